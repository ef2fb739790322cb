import { createRequire } from "node:module";
import { arch, cpus, platform, release, totalmem } from "node:os";

const require = createRequire(import.meta.url);

/** The machine that computes, for the report. */
export const machine = (engine: string): Record<string, string> => ({
  engine,
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: String(cpus().length),
  memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
  system: `${platform()} ${release()} ${arch()}`,
});

/** Versions of what the numbers depend on. */
export const versions = (): Record<string, string> => ({
  "tangent-lab": version("tangent-lab"),
  node: process.versions.node,
  "onnxruntime-node": version("onnxruntime-node"),
  "@tensorflow/tfjs-core": version("@tensorflow/tfjs-core"),
});

function version(name: string): string {
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
