import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** The version of an installed package, "unknown" where it cannot be told. */
export function packageVersion(name = "tangent-lab"): string {
  // Our own package.json is two or three folders up, from dist or from src.
  const path =
    name === "tangent-lab" ? ["../../package.json", "../../../package.json"] : [`${name}/package.json`];
  for (const candidate of path) {
    try {
      return (require(candidate) as { version: string }).version;
    } catch {}
  }
  return "unknown";
}
