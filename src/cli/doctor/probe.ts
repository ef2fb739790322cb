import * as tf from "@tensorflow/tfjs-core";
import { denoising } from "../../diffusion/denoising.js";
import { denoiser } from "../../diffusion/edm.js";
import { compile } from "../../engine/compile.js";
import { type DeviceName, describeDevice, useDevice } from "../../engine/device.js";
import * as random from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import * as tree from "../../engine/tree.js";
import { flatten } from "../../nn/network.js";
import { unet } from "../../nn/unet.js";
import { relativeError, tolerances } from "../../verify/case.js";

/** What an engine computed, and how fast; JSON. */
export interface Probe {
  /** What it says of itself. */
  description: string;
  /** Numbers of a small U-Net against those of plain JavaScript; `error` and `tolerance` are relative to the largest number. */
  checks: { quantity: string; error: number | null; tolerance: number }[];
  /** Steps per second in which a small U-Net is trained, see `trainingSpeed`. */
  stepsPerSecond: number;
}

/** Checks an engine's numbers and takes its speed, in about a second and the time of one step. @throws TangentLabError where it does not start or lacks an op. */
export async function probe(engine: string): Promise<Probe> {
  await useDevice("cpu");
  const expected = await results();
  await useDevice(engine as DeviceName);
  const description = await describeDevice();
  const got = await results();
  const checks = (["value", "gradient"] as const).map((quantity) => {
    const error = relativeError(got[quantity], expected[quantity]);
    // JSON has no NaN.
    return { quantity, error: Number.isFinite(error) ? error : null, tolerance: tolerances[quantity] };
  });
  return { description, checks, stepsPerSecond: await trainingSpeed() };
}

/** Images of 8 x 8 pixels, in a network that has a bit of everything: convolutions, norms, attention, both kinds of resampling. */
async function results(): Promise<{ value: Float32Array; gradient: Float32Array }> {
  const size = 8;
  const count = 2;
  const model = flatten(unet({ size, inChannels: 1, channels: 8, multipliers: [1, 2], attention: true }));
  const { structure } = model;
  // Of a new network some layers are zero, and give and get no numbers.
  const parameters = tf.tensor1d(random.normal(random.key(0), structure.size).map((value) => 0.2 * value));
  const noise = random.normal(random.key(1), count * size ** 2);
  const x = tf.tensor4d(noise, [count, size, size, 1]);
  const c = tf.tensor1d([-0.5, 0.5]);
  const f = compile((parameters: Tensor, x: Tensor, c: Tensor) => {
    const loss = (p: tf.Tensor): tf.Scalar => tf.mean(tf.square(model.apply(p, x, c)));
    return { value: model.apply(parameters, x, c), gradient: tf.grad(loss)(parameters as tf.Tensor) };
  });
  const found = await f(parameters, x, c);
  const [value, gradient] = [found.value, found.gradient].map((t) => t.dataSync().slice() as Float32Array);
  tf.dispose([parameters, x, c]);
  tree.dispose(found);
  return { value: value!, gradient: gradient! };
}

/** Milliseconds over which steps are counted. */
const measured = 1000;

/** Steps per second of training a denoiser: a U-Net of 16 channels, 4 images of 16 x 16 pixels. The first step, which compiles, does not count. */
async function trainingSpeed(): Promise<number> {
  const shape = [16, 16, 1];
  const method = denoising({ denoiser: denoiser(unet({ size: 16, inChannels: 1, channels: 16 })), shape });
  const step = compile(method.step, { donate: true });
  let state = method.init(random.key(0));
  const batch = method.batch(random.key(1), random.normal(random.key(2), 4 * 16 ** 2), 0);
  const next = async (): Promise<void> => {
    const { state: after, metrics } = await step(state, batch);
    metrics.loss.dataSync(); // an engine may be still at it
    tree.dispose(metrics);
    state = after;
  };
  await next();
  const started = performance.now();
  let steps = 0;
  do {
    await next();
    steps++;
  } while (performance.now() - started < measured);
  const seconds = (performance.now() - started) / 1000;
  tree.dispose(state);
  tree.dispose(batch);
  return steps / seconds;
}
