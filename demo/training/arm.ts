import type { Dataset } from "../../datasets/dataset.js";
import { ect } from "../../src/consistency/ect.js";
import type { ConsistencyLoss } from "../../src/consistency/losses.js";
import { sample } from "../../src/consistency/sampling.js";
import { type Probes, tangents } from "../../src/consistency/tangents.js";
import type { Denoiser } from "../../src/diffusion/edm.js";
import { compile } from "../../src/engine/compile.js";
import type * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import * as tree from "../../src/engine/tree.js";
import { TangentLabError } from "../../src/errors.js";
import type { Method, TrainState } from "../../src/optim/method.js";
import { type ArmRecording, levels, WINDOW } from "../messages.js";
import { type Components, components, sumUp } from "./pushes.js";

export interface ArmConfig {
  denoiser: Denoiser;
  /** Parameters to start from [P]. */
  start: Tensor;
  loss: ConsistencyLoss;
  iterations: number;
  learningRate: () => number;
}

/** One of the two consistency models: its training, and what its tangents did lately. */
export class Arm {
  private readonly method: Method;
  private readonly compiledStep: (...args: Parameters<Method["step"]>) => Promise<ReturnType<Method["step"]>>;
  private readonly compiledLook: (
    state: { parameters: Tensor; ema: Tensor; context: TrainState["context"] },
    probes: Probes,
    noise: Tensor,
  ) => Promise<{ output: Tensor; tangent: Tensor; samples: Tensor }>;
  private readonly start: Tensor;
  private state: TrainState;
  private readonly window: Components[] = [];

  constructor(
    private readonly data: Dataset,
    { denoiser, start, loss, iterations, learningRate }: ArmConfig,
  ) {
    this.method = ect({ denoiser, shape: [2], loss, iterations, learningRate, ema: 0.99 });
    this.compiledStep = compile(this.method.step, { donate: true });
    const tangentsAt = tangents(denoiser, loss);
    this.compiledLook = compile(({ parameters, ema, context }, probes, noise) => {
      const { output, tangent } = tangentsAt(parameters, context, probes);
      return { output, tangent, samples: sample(denoiser, ema, [noise]) };
    });
    this.start = start;
    this.state = this.method.from(start);
  }

  /** One update on examples x, rows of 2. */
  async step(key: random.Key, x: Float32Array, iteration: number): Promise<void> {
    const batch = this.method.batch(key, x, iteration);
    const next = await this.compiledStep(this.state, batch);
    tree.dispose(batch);
    tree.dispose(next.metrics);
    this.state = next.state;
  }

  /** Outputs, unit tangents and one-step samples; `count` probes for each noise level, in order. */
  async look(probes: Probes, noise: Tensor, count: number): Promise<Omit<ArmRecording, "quality">> {
    const { parameters, ema, context } = this.state;
    const seen = await this.compiledLook({ parameters, ema, context }, probes, noise);
    const [outputs, vectors, samples] = [seen.output, seen.tangent, seen.samples].map(
      (tensor) => tensor.dataSync().slice() as Float32Array,
    ) as [Float32Array, Float32Array, Float32Array];
    tree.dispose(seen);
    if (!outputs.every(Number.isFinite) || !samples.every(Number.isFinite)) {
      throw new TangentLabError("not-finite", "the model has diverged", {
        argument: "learningRate",
        allowed: "a lower learning rate",
      });
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
  restart(): void {
    this.dispose();
    this.state = this.method.from(this.start);
    this.window.length = 0;
  }

  dispose(): void {
    tree.dispose(this.state);
  }
}

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
