import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import * as tree from "../../src/engine/tree.js";
import type { Run, Runner } from "../runner.js";
import type { Workload } from "../workloads/index.js";

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

/** PyTorch in a Python, for all its runners of one workload. */
export class PyTorch {
  private constructor(
    private readonly peer: Peer,
    readonly version: string,
  ) {}

  /** Undefined if that Python has no PyTorch, or is not there. */
  static async start(python: string, threads: number): Promise<PyTorch | undefined> {
    const peer = Peer.start(python, threads);
    try {
      return new PyTorch(peer, (await peer.ask<{ version: string }>({ do: "hello", threads })).version);
    } catch {
      await peer.close();
      return undefined;
    }
  }

  /** The workload from the same weights and on the same batch; compiled by torch.compile or eager. */
  async load(workload: Workload, compile: boolean): Promise<Runner> {
    const folder = await mkdtemp(join(tmpdir(), "tangent-lab-bench-"));
    try {
      const file = join(folder, "tensors.f32");
      const { data, tensors } = exported(workload);
      await writeFile(file, data);
      const { runner, parameters, setting } = await this.peer.ask<Loaded>({
        do: "load",
        case: workload.peer.case,
        config: workload.peer.config,
        compile,
        file,
        tensors,
      });
      if (parameters !== workload.parameters) {
        throw new Error(`${parameters} parameters in PyTorch, ${workload.parameters} here`);
      }
      return {
        name: compile ? "torch.compile" : "PyTorch eager",
        setting,
        run: (steps) => this.peer.ask<Run>({ do: "run", runner, steps }),
        close: async () => {},
      };
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** The most memory that the process has held, in MiB. */
  async peakMemory(): Promise<number> {
    return (await this.peer.ask<{ mebibytes: number }>({ do: "memory" })).mebibytes;
  }

  close(): Promise<void> {
    return this.peer.close();
  }
}

interface Loaded {
  runner: number;
  parameters: number;
  setting: string;
}

/** Everything the peer starts from: float32 numbers in one piece, and where each tensor lies. */
function exported(workload: Workload): { data: Float32Array; tensors: object[] } {
  const { learningRate: _, ...batch } = workload.batch() as { readonly [name: string]: tree.Tree };
  const given: tree.Tree = { ...workload.peer.tensors(), batch };
  const all = tree.map((tensor) => tf.cast(tensor, "float32"), given);
  let offset = 0;
  const tensors = tree.flatten(all).map(({ name, tensor }) => {
    const entry = { name, shape: tensor.shape, offset };
    offset += tensor.size;
    return entry;
  });
  const flat = tree.ravel(all);
  const data = Float32Array.from(flat.dataSync());
  tree.dispose([given, all, flat]);
  return { data, tensors };
}
