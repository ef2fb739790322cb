import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check } from "../errors.js";
import type { EncodedText, FrozenFlow } from "./contrastive.js";
import type { LoadedTokens } from "./token-file.js";

export interface EditConfig {
  /** Images to edit [n, ...shape] in [-1, 1]. */
  images: Tensor;
  /** What each image shows. */
  source: readonly string[];
  /** What it shall show. */
  target: readonly string[];
  /** N: levels of the whole way from noise to data. Default 20. */
  steps?: number;
  /** n_start: how many of them are gone through, 1 ... steps; more of them change more. Default 3/4 of `steps`. */
  start?: number;
  /** s_src. Default 1.5. */
  sourceGuidance?: number;
  /** s_tgt. Default 5. */
  targetGuidance?: number;
  /** Soft tokens for both captions. Default none. */
  tokens?: Pick<LoadedTokens, "model" | "parameters"> | undefined;
  /** How many intermediate images to keep besides the source, at most n_start. Default 0. */
  frames?: number;
  key: random.Key;
}

/**
 * FlowEdit (2412.08629): editing without inversion. From level n_start of N, x_t^src = (1 - t) x_src + t e and x_t^tgt = z + x_t^src - x_src;
 * z += (t' - t) (v(x_t^tgt, target caption) - v(x_t^src, source caption)), fresh noise e at each step.
 * @returns the edited images and `frames` of z on the way, the last of them the result; the caller disposes them.
 * @throws TangentLabError `invalid-argument` where counts differ or settings are out of range, and what `tokenize` throws of captions.
 */
export async function edit(
  flow: FrozenFlow,
  config: EditConfig,
): Promise<{ images: Tensor; frames: Tensor[] }> {
  const { images, source, target, steps = 20, frames = 0, tokens, key } = config;
  const { start = Math.ceil(0.75 * steps), sourceGuidance = 1.5, targetGuidance = 5 } = config;
  const count = images.shape[0]!;
  check(
    `${images.shape.slice(1)}` === `${flow.shape}`,
    "images.shape",
    images.shape,
    `[count, ${flow.shape.join(", ")}]`,
  );
  check(source.length === count, "source", `${source.length} captions`, `${count}, one for each image`);
  check(target.length === count, "target", `${target.length} captions`, `${count}, one for each image`);
  check.count("steps", steps);
  check(
    Number.isInteger(start) && start >= 1 && start <= steps,
    "start",
    start,
    `an integer from 1 to ${steps}`,
  );
  check(
    Number.isInteger(frames) && frames >= 0 && frames <= start,
    "frames",
    frames,
    `an integer from 0 to ${start}`,
  );
  for (const [name, value] of Object.entries({ sourceGuidance, targetGuidance })) {
    check(Number.isFinite(value), name, value, "a finite number");
  }
  const { model, parameters: tokenParameters } = tokens ?? {};
  const step = compile(editStep(flow, model));
  const ids = flow.tokenize([...source, ...target, ...Array<string>(2 * count).fill("")]);
  const text = await compile((parameters: Tensor, ids: Tensor) => flow.encode(parameters, ids))(
    flow.parameters,
    ids,
  );
  const scales = tf.tensor1d([sourceGuidance, targetGuidance]);
  const shown = new Set(Array.from({ length: frames }, (_, i) => Math.round(((i + 1) * start) / frames)));
  const kept: Tensor[] = [];
  let z = tf.clone(images) as Tensor;
  for (let i = 0; i < start; i++) {
    const [t, next] = [(start - i) / steps, (start - i - 1) / steps];
    const inputs = {
      z,
      source: images,
      noise: tf.tensor(random.normal(random.foldIn(key, i), images.size), images.shape) as Tensor,
      t: tf.tensor1d([t]) as Tensor,
      next: tf.tensor1d([next]) as Tensor,
      scales: scales as Tensor,
    };
    const edited = await step(
      { flow: flow.parameters, ...(tokenParameters && { tokens: tokenParameters }) },
      inputs,
      text,
    );
    tree.dispose([inputs.noise, inputs.t, inputs.next, z]);
    z = edited;
    if (shown.has(i + 1)) kept.push(tf.clone(z));
  }
  tree.dispose([ids, text, scales]);
  return { images: z, frames: kept };
}

type EditParameters = { readonly flow: Tensor; readonly tokens?: Tensor };

type EditInputs = {
  readonly z: Tensor;
  readonly source: Tensor;
  readonly noise: Tensor;
  /** [1] each. */
  readonly t: Tensor;
  readonly next: Tensor;
  /** s_src and s_tgt, [2]. */
  readonly scales: Tensor;
};

/**
 * One step of FlowEdit, pure: text of [source captions, target captions, as many empty ones for each], in this order. The four velocities are one
 * evaluation of the network.
 */
export function editStep(
  flow: FrozenFlow,
  softTokens?: LoadedTokens["model"],
): (parameters: EditParameters, inputs: EditInputs, text: EncodedText) => Tensor {
  return (parameters, { z, source, noise, t, next, scales }, text) => {
    const count = z.shape[0]!;
    const xSource = tf.add(tf.mul(source, tf.sub(1, t)), tf.mul(noise, t));
    const xTarget = tf.add(z, tf.sub(xSource, source));
    const x = tf.concat([xSource, xTarget, xSource, xTarget] as tf.Tensor[], 0);
    const times = tf.tile(t as tf.Tensor1D, [4 * count]);
    const tokens = softTokens
      ?.apply(parameters.tokens!, t)
      .map((each) => tf.tile(each as tf.Tensor3D, [4 * count, 1, 1]));
    const v = flow.velocity(parameters.flow, x, times, text, tokens);
    const [vSource, vTarget, nullSource, nullTarget] = tf.split(v as tf.Tensor, 4, 0) as Tensor[];
    const guided = (conditional: Tensor, unconditional: Tensor, which: number): Tensor =>
      tf.add(unconditional, tf.mul(tf.sub(conditional, unconditional), tf.slice(scales, which, 1)));
    const difference = tf.sub(guided(vTarget!, nullTarget!, 1), guided(vSource!, nullSource!, 0));
    return tf.add(z, tf.mul(difference, tf.sub(next, t)));
  };
}
