import { realpathSync } from "node:fs";
import { homedir } from "node:os";

/** Text, or all text in plain data, with the user's home folder written as `~`: what is shown to others says nothing of who that is. */
export function withoutHome<T>(value: T, home: string = homedir()): T {
  const replace = (text: string): string => homes(home).reduce(abbreviate, text);
  const walk = (part: unknown): unknown => {
    if (typeof part === "string") return replace(part);
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([name, each]) => [name, walk(each)]));
  };
  return walk(value) as T;
}

/** As the system names it, and where links lead. The root of all files is nobody's: of a user without a home. */
function homes(home: string): string[] {
  let real = home;
  try {
    real = realpathSync(home);
  } catch {
    // A home that is not there.
  }
  return [...new Set([home, real])].filter((path) => path !== "/" && path !== "");
}

/** Replaces the folder, but not one whose name begins like it. */
const abbreviate = (text: string, folder: string): string => {
  const literal = folder.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.replaceAll(new RegExp(`${literal}(?![\\w.-])`, "g"), "~");
};
