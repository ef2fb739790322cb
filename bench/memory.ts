import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ours } from "./ours.js";
import { PyTorch } from "./peers/pytorch.js";
import { workloads } from "./workloads/index.js";

/** Steps after which a process has held all that it ever holds. */
const steps = 3;

/** Most memory that a process of its own held, taking a workload's steps: in MiB, interpreter and libraries included. */
export interface Memory {
  readonly ours: number;
  readonly pytorch?: number;
}

/** Measures a workload in fresh processes. */
export async function peakMemory(name: string, python: string | undefined, threads: number): Promise<Memory> {
  const script = new URL(import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script, name]);
  const mine = Number(stdout.trim().split("\n").at(-1));
  if (python === undefined) return { ours: mine };
  const torch = await PyTorch.start(python, threads);
  if (!torch) return { ours: mine };
  try {
    const runner = await torch.load(workloads[name]!(), false);
    await runner.run(steps);
    return { ours: mine, pytorch: await torch.peakMemory() };
  } finally {
    await torch.close();
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const runner = await ours(workloads[process.argv[2]!]!(), "onnx", "tangent-lab");
  await runner.run(steps);
  console.log(process.resourceUsage().maxRSS / 1024);
  process.exit(0);
}
