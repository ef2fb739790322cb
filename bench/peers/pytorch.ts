import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as tree from "../../src/engine/tree.js";
import type { Run, Runner } from "../runner.js";
import { fixedBatch, type Workload } from "../workloads.js";

const script = join(dirname(fileURLToPath(import.meta.url)), "pytorch.py");

/** A Python process that answers one line of JSON with another. */
class Peer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly lines: AsyncIterator<string>,
    private readonly reader: Interface,
  ) {}

  static start(python: string, threads: number): Peer {
    // One setting for every numeric library in it, from its start.
    const env = { ...process.env, OMP_NUM_THREADS: `${threads}`, PYTHONDONTWRITEBYTECODE: "1" };
    const child = spawn(python, [script], { stdio: ["pipe", "pipe", "ignore"], env });
    child.on("error", () => {}); // seen as the end of its answers
    child.stdin!.on("error", () => {});
    const reader = createInterface({ input: child.stdout! });
    return new Peer(child, reader[Symbol.asyncIterator](), reader);
  }

  async ask<T>(request: object): Promise<T> {
    this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error("the Python process ended");
    const answer = JSON.parse(value) as T & { error?: string };
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  async close(): Promise<void> {
    this.reader.close();
    if (this.child.exitCode !== null || this.child.pid === undefined) return;
    const ended = once(this.child, "exit");
    this.child.stdin!.end();
    await ended;
  }
}

/** The version of PyTorch that a Python has, or undefined if it has none (or is not there). */
export async function pytorchVersion(python: string, threads: number): Promise<string | undefined> {
  const peer = Peer.start(python, threads);
  try {
    return (await peer.ask<{ version: string }>({ do: "hello", threads })).version;
  } catch {
    return undefined;
  } finally {
    await peer.close();
  }
}

/** The workload in PyTorch, from the same weights and on the same batch; compiled by torch.compile or eager. */
export async function pytorch(
  workload: Workload,
  python: string,
  threads: number,
  compiled: boolean,
): Promise<Runner> {
  const peer = Peer.start(python, threads);
  const folder = await mkdtemp(join(tmpdir(), "tangent-lab-bench-"));
  try {
    await peer.ask({ do: "hello", threads });
    const file = join(folder, "tensors.f32");
    const { data, tensors } = exported(workload);
    await writeFile(file, data);
    const { parameters, setting } = await peer.ask<{ parameters: number; setting: string }>({
      do: "load",
      case: workload.peer.case,
      config: workload.peer.config,
      compile: compiled,
      file,
      tensors,
    });
    if (parameters !== workload.structure.size) {
      throw new Error(
        `${workload.name}: ${parameters} parameters in PyTorch, ${workload.structure.size} here`,
      );
    }
    return {
      name: compiled ? "torch.compile" : "PyTorch eager",
      setting,
      run: (steps) => peer.ask<Run>({ do: "run", steps }),
      close: () => peer.close(),
    };
  } catch (error) {
    await peer.close();
    throw error;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Everything the peer starts from: float32 numbers in one piece, and where each tensor lies. */
function exported(workload: Workload): { data: Float32Array; tensors: object[] } {
  const start = workload.start();
  const batch = fixedBatch(workload);
  const { learningRate: _, ...inputs } = batch;
  const all: tree.Tree = {
    weights: workload.structure.unravel(start),
    ...workload.peer.frozen(),
    batch: inputs,
  };
  let offset = 0;
  const tensors = tree.flatten(all).map(({ name, tensor }) => {
    const entry = { name, shape: tensor.shape, offset };
    offset += tensor.size;
    return entry;
  });
  const flat = tree.ravel(all);
  const data = Float32Array.from(flat.dataSync());
  tree.dispose([all, flat, start, batch.learningRate]);
  return { data, tensors };
}
