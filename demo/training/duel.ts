import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../../datasets/dataset.js";
import { pseudoHuber } from "../../src/consistency/losses.js";
import { mfd } from "../../src/consistency/mfd.js";
import { ectPairs } from "../../src/consistency/times.js";
import * as random from "../../src/engine/random.js";
import { slicedWasserstein } from "../../src/metrics/sliced-wasserstein.js";
import { type ArmName, type ArmRecording, arms, type Dials, type Recording } from "../messages.js";
import { levels } from "../settings.js";
import { Arm } from "./arm.js";
import { drawOrigins } from "./posterior.js";
import type { Preparation } from "./preparation.js";

/** Points that are followed at each noise level. */
const PROBES = 32;
/** Samples shown, and examples they are measured against. */
const SAMPLES = 256;
/** Examples that stand for the data where the posterior is drawn from. */
const POOL = 1024;
/** Recordings between two measurements of the samples. */
const QUALITY_EVERY = 5;

/** Keys of a seed, by use; the preparation has the first. */
const Use = { probes: 8, noise: 9, pool: 10, samples: 11, reference: 12, origins: 14 } as const;

/**
 * Two consistency models that differ only in their loss: same start, same batches, same noise. ECT (2406.14548) for `iterations`; after that its last stage
 * continues.
 */
export class Duel {
  iteration = 0;
  private dials: Pick<Dials, "batchSize" | "learningRate"> = { batchSize: 1, learningRate: 0 };
  private readonly base: random.Key;
  private readonly arms: Record<ArmName, Arm>;
  private readonly noisy: Float32Array;
  private readonly times: Float32Array;
  private readonly nearer: Float32Array;
  private readonly pool: Float32Array;
  private readonly reference: Float32Array;
  private readonly sampleNoise: tf.Tensor;
  private recordings = 0;
  private readonly quality: Record<ArmName, number> = { pixel: Number.NaN, MFD: Number.NaN };

  constructor(data: Dataset, { denoiser, start, features }: Preparation, seed: number, iterations: number) {
    this.base = random.key(seed);
    const losses = {
      pixel: pseudoHuber(),
      MFD: mfd(features, { layers: [-1] }),
    };
    const arm = (name: ArmName): Arm =>
      new Arm(data, {
        name,
        denoiser,
        start,
        loss: losses[name],
        iterations,
        seed,
        dials: () => this.dials,
      });
    this.arms = { pixel: arm("pixel"), MFD: arm("MFD") };
    const draw = (use: number, count: number): Float32Array =>
      data.sample(random.foldIn(this.base, use), count).x;
    const chosen = draw(Use.probes, PROBES);
    const noise = random.normal(random.foldIn(this.base, Use.noise), levels.length * PROBES * 2);
    const pairs = ectPairs({ iterations });
    this.times = Float32Array.from(levels.flatMap((t) => Array.from({ length: PROBES }, () => t)));
    this.nearer = this.times.map((t) => pairs(t, iterations - 1));
    this.noisy = noise.map((e, i) => chosen[i % chosen.length]! + this.times[i >> 1]! * e);
    this.pool = draw(Use.pool, POOL);
    this.reference = draw(Use.reference, SAMPLES);
    this.sampleNoise = tf.tensor2d(random.normal(random.foldIn(this.base, Use.samples), SAMPLES * 2), [
      SAMPLES,
      2,
    ]);
  }

  /** Trains both for `count` iterations. */
  async train(count: number, dials: Pick<Dials, "batchSize" | "learningRate">): Promise<void> {
    this.dials = dials;
    for (let i = 0; i < count; i++, this.iteration++) for (const name of arms) await this.arms[name].step();
  }

  /** Looks at both at the same points: each time with other clean points and noises that lead to the same noisy ones. */
  async record(): Promise<Recording> {
    const key = random.foldIn(random.foldIn(this.base, Use.origins), this.recordings);
    const origins = drawOrigins(key, this.noisy, this.times, this.pool);
    const noise = this.noisy.map((value, i) => (value - origins[i]!) / this.times[i >> 1]!);
    const shape: [number, number] = [this.times.length, 2];
    const probes = {
      x: tf.tensor2d(origins, shape),
      noise: tf.tensor2d(noise, shape),
      t: tf.tensor1d(this.times),
      r: tf.tensor1d(this.nearer),
    };
    const recording = { iteration: this.iteration } as Record<ArmName, ArmRecording> & { iteration: number };
    for (const name of arms) {
      const seen = await this.arms[name].look(probes, this.sampleNoise, PROBES);
      if (this.recordings % QUALITY_EVERY === 0)
        this.quality[name] = slicedWasserstein(seen.samples, this.reference, { dim: 2, directions: 64 });
      recording[name] = { ...seen, quality: this.quality[name] };
    }
    tf.dispose(probes);
    this.recordings++;
    return recording;
  }

  /** Both back to their start; the same draws follow. */
  async restart(): Promise<void> {
    this.iteration = 0;
    this.recordings = 0;
    for (const name of arms) await this.arms[name].restart();
  }

  async dispose(): Promise<void> {
    this.sampleNoise.dispose();
    for (const name of arms) await this.arms[name].dispose();
  }
}
