import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { firstLine } from "./run.js";

/** Where Chromium is: the variable CHROMIUM, or `chromium` on the path. Null where there is none. */
export function findChromium(): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const candidates = [
    process.env.CHROMIUM,
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
  ];
  for (const path of candidates) {
    if (path === undefined || path === "") continue;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return null;
}

/** Chromium's place and what it says of its version. */
export async function chromiumInUse(): Promise<{ path: string; version: string | null } | null> {
  const path = findChromium();
  return path === null ? null : { path, version: await firstLine([path, "--version"]) };
}
