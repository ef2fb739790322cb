import { createRequire } from "node:module";
import * as v from "valibot";
import { cudaIsThere, howToLink } from "../../engine/onnx/cuda.js";
import { notBuilt } from "../../engine/onnx/gpu.js";
import { supportedProviders } from "../../engine/onnx/session.js";
import { tensorflowPackages } from "../../engine/tensorflow.js";
import { TangentLabError } from "../../errors.js";
import { parseJson } from "../../io/json.js";
import type { Probe } from "./probe.js";
import { type Ran, run } from "./run.js";

/** An engine, and what became of its check. */
export interface EngineState {
  engine: string;
  /**
   * It works; its numbers are off by more than the tolerances of `tangent-lab verify`; it is there and does not start, or lacks an op; or something has to be
   * installed.
   */
  state: "works" | "off" | "fails" | "missing";
  /** What it says of itself, why it fails, or what to install. */
  note: string;
  checks: Probe["checks"];
  /** Null where it was not measured. */
  stepsPerSecond: number | null;
}

/** All engines, in the order of preference. */
export const probed = ["onnx:cpu", "onnx:webgpu", "onnx:cuda", "tensorflow", "wasm", "cpu"] as const;

/** Milliseconds that a check may take: of plain JavaScript, or a GPU whose shaders are compiled, it takes several seconds. */
const patience = 120_000;

/** Checks an engine in a process of its own: one that crashes or hangs is a row of the table and not the end of it. */
export async function checkEngine(engine: string): Promise<EngineState> {
  const missing = whatIsMissing(engine);
  if (missing !== null) return { engine, state: "missing", note: missing, checks: [], stepsPerSecond: null };
  return stateOf(engine, await probing(engine));
}

/** Runs `tangent-lab doctor --probe` in a process of its own. */
export function probing(what: string): Promise<Ran> {
  const command = [process.execPath, ...process.execArgv, process.argv[1]!, "doctor", "--probe", what];
  return run(command, patience);
}

/** What the process of a check, `tangent-lab doctor --probe`, says of its engine. */
export function stateOf(engine: string, { code, out, errors, late }: Ran): EngineState {
  const fails = (note: string): EngineState => {
    return { engine, state: "fails", note: note.slice(0, longest), checks: [], stepsPerSecond: null };
  };
  if (late) return fails(`no answer in ${patience / 1000} s`);
  if (code !== 0) return fails(reasonIn(errors) || `its process ended without a word (${code})`);
  const answer = out.trimEnd().split("\n").at(-1)!;
  const { description, checks, stepsPerSecond } = parseJson(answer, probeSchema, engine, (why, cause) => {
    return new TangentLabError("device-unavailable", `the check of ${why}`, { argument: "engine", cause });
  });
  const off = checks.some(({ error, tolerance }) => error === null || error > tolerance);
  return { engine, state: off ? "off" : "works", note: description, checks, stepsPerSecond };
}

/** Characters of a reason that are kept. */
const longest = 400;

/** Our own error, without what the row says, or what was said last: native libraries warn of much before. */
export function reasonIn(errors: string): string {
  const lines = errors.trimEnd().split("\n");
  const ours = lines.filter((line) => line.startsWith("error: ")).at(-1);
  return (
    ours
      ?.slice("error: ".length)
      .replace(/^the engine \S+ does not start: /, "")
      .replace(/; given: .*$/, "") ?? lines.at(-1)!
  );
}

const probeSchema = v.object({
  description: v.string(),
  checks: v.array(v.object({ quantity: v.string(), error: v.nullable(v.number()), tolerance: v.number() })),
  stepsPerSecond: v.number(),
});

const require = createRequire(import.meta.url);

/** What has to be installed before an engine can start; null where nothing has. */
function whatIsMissing(engine: string): string | null {
  if (engine === "onnx:webgpu") return supportedProviders().includes("webgpu") ? null : notBuilt("webgpu");
  if (engine === "onnx:cuda") {
    if (!supportedProviders().includes("cuda")) return notBuilt("cuda");
    return cudaIsThere() ? null : howToLink;
  }
  if (engine !== "tensorflow") return null;
  const there = tensorflowPackages.some(isInstalled);
  return there
    ? null
    : "npm install @tensorflow/tfjs-node-gpu --ignore-scripts, then tangent-lab link-tensorflow (docs/tensorflow.md)";
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}
