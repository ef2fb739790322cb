import type { Dataset } from "../../datasets/dataset.js";
import { ect } from "../../src/consistency/ect.js";
import type { Loss } from "../../src/consistency/losses.js";
import { type Probes, tangents } from "../../src/consistency/tangents.js";
import type { Denoiser } from "../../src/diffusion/edm.js";
import { sample } from "../../src/diffusion/multistep.js";
import { compile } from "../../src/engine/compile.js";
import type { Tensor } from "../../src/engine/tensor.js";
import * as tree from "../../src/engine/tree.js";
import { TangentLabError } from "../../src/errors.js";
import type { Run } from "../../src/loop/run.js";
import { train } from "../../src/loop/train.js";
import type { Method, TrainState } from "../../src/optim/method.js";
import { type ArmRecording, type Dials, WINDOW } from "../messages.js";
import { levels } from "../settings.js";
import { type Components, components, sumUp } from "./pushes.js";

export interface ArmConfig {
  name: string;
  denoiser: Denoiser;
  /** Parameters to start from [P]. */
  start: Tensor;
  loss: Loss;
  iterations: number;
  seed: number;
  /** As they are at the moment. */
  dials: () => Pick<Dials, "batchSize" | "learningRate">;
}

/** One of the two consistency models: its training, and what its tangents did lately. */
export class Arm {
  private readonly method: Method;
  private readonly compiledLook: (
    state: { parameters: Tensor; ema: Tensor; context: TrainState["context"] },
    probes: Probes,
    noise: Tensor,
  ) => Promise<{ output: Tensor; tangent: Tensor; samples: Tensor }>;
  private run: Run<null>;
  /** Where training stands still between two steps; undefined before it begins. */
  private state: TrainState | undefined;
  private failure: unknown;
  private readonly window: Components[] = [];

  constructor(
    private readonly data: Dataset,
    private readonly config: ArmConfig,
  ) {
    const { denoiser, loss, iterations, dials } = config;
    this.method = ect().method({
      denoiser,
      shape: [2],
      loss,
      iterations,
      ema: 0.99,
      learningRate: () => dials().learningRate,
    });
    const tangentsAt = tangents(denoiser, loss);
    this.compiledLook = compile(({ parameters, ema, context }, probes, noise) => {
      const { output, tangent } = tangentsAt(parameters, context, probes);
      return { output, tangent, samples: sample(denoiser, ema, [noise]) };
    });
    this.run = this.begin();
  }

  private begin(): Run<null> {
    const { name, start, seed, dials } = this.config;
    return train({
      name,
      kind: "consistency",
      data: this.data,
      method: this.method,
      from: start,
      seed,
      steps: Number.MAX_SAFE_INTEGER,
      eventEvery: 1,
      batchSize: () => dials().batchSize,
      observers: [
        {
          every: 1,
          observe: async (state) => {
            this.state = state;
            return {};
          },
        },
      ],
      finish: () => null,
    });
  }

  /** One update. */
  async step(): Promise<void> {
    if (!this.state) await this.next(); // before the first step
    await this.next();
  }

  private async next(): Promise<void> {
    try {
      await this.run[Symbol.asyncIterator]().next();
    } catch (failure) {
      this.failure = failure;
    }
    this.run.record.losses.length = 0; // nobody reads them, and there is no last step
  }

  /** Outputs, unit tangents and one-step samples; `count` probes for each noise level, in order. */
  async look(probes: Probes, noise: Tensor, count: number): Promise<Omit<ArmRecording, "quality">> {
    if (!this.state) await this.next();
    if (this.failure !== undefined) throw diverged(this.failure);
    const { parameters, ema, context } = this.state!;
    const seen = await this.compiledLook({ parameters, ema, context }, probes, noise);
    const [outputs, vectors, samples] = [seen.output, seen.tangent, seen.samples].map(
      (tensor) => tensor.dataSync().slice() as Float32Array,
    ) as [Float32Array, Float32Array, Float32Array];
    tree.dispose(seen);
    if (!outputs.every(Number.isFinite) || !samples.every(Number.isFinite)) {
      throw diverged();
    }
    const directions = unitRows(vectors);
    const manifold = this.data.manifold!;
    const nearest = manifold.project(outputs);
    this.window.push(components(directions, outputs, nearest, manifold.tangentBasis(nearest)));
    if (this.window.length > WINDOW) this.window.shift();
    const pushes = levels.map((_, i) => sumUp(this.window, i * count, (i + 1) * count));
    return { outputs, tangents: directions, samples, pushes };
  }

  /** Back to the start; what is compiled stays. */
  async restart(): Promise<void> {
    await this.dispose();
    this.run = this.begin();
    this.state = undefined;
    this.failure = undefined;
    this.window.length = 0;
  }

  async dispose(): Promise<void> {
    await this.run[Symbol.asyncIterator]().return!();
  }
}

const diverged = (cause?: unknown): TangentLabError =>
  new TangentLabError("not-finite", "the model has diverged", {
    argument: "learningRate",
    allowed: "a lower learning rate",
    cause,
  });

/** Rows of 2 scaled to length 1; zero rows stay. */
function unitRows(rows: Float32Array): Float32Array {
  const out = rows.slice();
  for (let i = 0; i < out.length; i += 2) {
    const length = Math.hypot(out[i]!, out[i + 1]!) || 1;
    out[i]! /= length;
    out[i + 1]! /= length;
  }
  return out;
}
