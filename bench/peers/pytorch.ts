import * as tf from "@tensorflow/tfjs-core";
import * as tree from "../../src/engine/tree.js";
import type { Run, Runner } from "../runner.js";
import type { Workload } from "../workloads/index.js";
import { Peer } from "./peer.js";

/** PyTorch in a Python, for all its runners of one workload. */
export class PyTorch {
  private constructor(
    private readonly peer: Peer,
    readonly version: string,
    /** Of CUDA: the card's name. */
    readonly card: string | undefined,
  ) {}

  /** Undefined if that Python has no PyTorch for the device, or is not there. */
  static async start(
    python: string,
    threads: number,
    device: "cpu" | "cuda" = "cpu",
  ): Promise<PyTorch | undefined> {
    const started = await Peer.start<{ card?: string }>(python, "pytorch.py", threads, { device });
    return started && new PyTorch(started.peer, started.version, started.card);
  }

  /** The workload from the same weights and on the same batch; compiled by torch.compile or eager. */
  async load(workload: Workload, compile: boolean): Promise<Runner> {
    const { data, tensors } = exported(workload);
    const { runner, parameters, setting } = await this.peer.askWith<Loaded>(data, {
      do: "load",
      case: workload.peer.case,
      config: workload.peer.config,
      compile,
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
