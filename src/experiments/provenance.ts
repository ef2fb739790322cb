import { arch, cpus, platform, release, totalmem } from "node:os";
import { packageVersion } from "../io/package-version.js";

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
  "tangent-lab": packageVersion(),
  node: process.versions.node,
  "onnxruntime-node": packageVersion("onnxruntime-node"),
  "@tensorflow/tfjs-core": packageVersion("@tensorflow/tfjs-core"),
});
