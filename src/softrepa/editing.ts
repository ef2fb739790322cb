import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check, required } from "../errors.js";
import { checkedEdit, type EditConfig } from "./edit-config.js";
import { checkKey, type EncodedText, type FrozenFlow, tokensAt } from "./frozen-flow.js";
import { guidedStep } from "./generate.js";
import { levelOptions } from "./levels.js";
import type { LoadedTokens } from "./token-file.js";

/**
 * FlowEdit (2412.08629): editing without inversion. From level n_start of N, x_t^src = (1 - t) x_src + t e and x_t^tgt = z + x_t^src - x_src;
 * z += (t' - t) (v(x_t^tgt, target caption) - v(x_t^src, source caption)), fresh noise e at each step. In the last n_min steps x_t^tgt itself follows the target's
 * velocity. Published settings: N = 50, shift 3, n_start 33, s_src 3.5 and s_tgt 13.5 in FlowEdit; n_start 30, 3.5 and 9 in SoftREPA.
 * @returns the edited images and `frames` of z on the way, the last of them the result; the caller disposes them.
 * @throws TangentLabError `invalid-argument` where counts differ, settings are out of range or soft tokens do not fit, and what `tokenize` throws of captions.
 */
export async function edit(
  flow: FrozenFlow,
  config: EditConfig,
): Promise<{ images: Tensor; frames: Tensor[] }> {
  required("config", config, "an object with images, source, target and key");
  const { images, key } = config;
  check.only("edit", config, [
    ...["images", "source", "target", "start", "nMin", "nAvg", "sourceGuidance", "targetGuidance"],
    ...["guidanceForm", "negativePrompt", "tokens", "frames", "key", ...levelOptions],
  ]);
  checkKey(key);
  return editWith(flow, config, (step, k) => {
    const own = random.foldIn(key, step);
    return random.normal(k === 0 ? own : random.foldIn(own, k), images.size);
  });
}

/** `edit` with the noise of its steps, 0 ... start - 1, and of each the k-th, given as numbers like the images. */
export async function editWith(
  flow: FrozenFlow,
  config: Omit<EditConfig, "key">,
  noiseOf: (step: number, k: number) => Float32Array,
): Promise<{ images: Tensor; frames: Tensor[] }> {
  const { images, source, target, start, frames, nMin, nAvg, tokens, scales, levels, negatives } =
    checkedEdit(flow, config);
  const parameters = { flow: flow.parameters, ...(tokens && { tokens: tokens.parameters }) };
  const ids = flow.tokenize([...source, ...target, ...negatives, ...negatives]);
  const text = await compile((parameters: Tensor, ids: Tensor) => flow.encode(parameters, ids))(
    flow.parameters,
    ids,
  );
  const shown = new Set(Array.from({ length: frames }, (_, i) => Math.round(((i + 1) * start) / frames)));
  const kept: Tensor[] = [];
  const step = compile(editStep(flow, tokens?.model));
  const sampling = compile(guidedStep(flow, tokens?.model));
  // The text of the target and what leads away from it: the second and the fourth quarter.
  const targetText = tf.tidy(
    () =>
      tree.map((each) => {
        const quarters = tf.split(each as tf.Tensor, 4, 0);
        return tf.concat([quarters[1]!, quarters[3]!], 0) as Tensor;
      }, text) as never,
  ) as EncodedText;
  const scale = tf.tensor1d(scales) as Tensor;
  const guidance = tf.scalar(scales[1]) as Tensor;
  let z = tf.clone(images) as Tensor;
  for (let i = 0; i < start; i++) {
    const times = levels.slice(i, i + 2).map((level) => tf.tensor1d([level]) as Tensor) as [Tensor, Tensor];
    const [t, next] = times;
    const draw = (k: number): Tensor => tf.tensor(noiseOf(i, k), images.shape) as Tensor;
    const before = z;
    if (i < start - nMin) {
      const ends: Tensor[] = [];
      for (let k = 0; k < nAvg; k++) {
        const noise = draw(k);
        ends.push(await step(parameters, { z, source: images, noise, t, next, scales: scale }, text));
        noise.dispose();
      }
      z = ends.length === 1 ? ends[0]! : (tf.tidy(() => tf.mean(tf.stack(ends as tf.Tensor[]), 0)) as Tensor);
      if (ends.length > 1) tree.dispose(ends);
    } else {
      let x = z;
      if (i === start - nMin) {
        const noise = draw(0);
        // x_t^tgt = z + x_t^src - x_src, of which (1 - t) x_src + t e - x_src is t (e - x_src).
        x = tf.tidy(() => tf.add(z, tf.mul(t, tf.sub(noise, images)))) as Tensor;
        noise.dispose();
      }
      z = await sampling(parameters, x, { t, next, guidance }, targetText);
      if (x !== before) x.dispose();
    }
    tree.dispose([...times, before]);
    if (shown.has(i + 1)) kept.push(tf.clone(z));
  }
  tree.dispose([ids, text, targetText, scale, guidance]);
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
  /** Factors of v - v0 on top of v0, of source and target, [2]. */
  readonly scales: Tensor;
};

/**
 * One step of FlowEdit, pure: text of [source captions, target captions, as many negative ones for each], in this order. The four velocities are one
 * evaluation of the network.
 */
function editStep(
  flow: FrozenFlow,
  softTokens?: LoadedTokens["model"],
): (parameters: EditParameters, inputs: EditInputs, text: EncodedText) => Tensor {
  return (parameters, { z, source, noise, t, next, scales }, text) => {
    const count = z.shape[0]!;
    const xSource = tf.add(tf.mul(source, tf.sub(1, t)), tf.mul(noise, t));
    const xTarget = tf.add(z, tf.sub(xSource, source));
    const x = tf.concat([xSource, xTarget, xSource, xTarget] as tf.Tensor[], 0);
    const times = tf.tile(t as tf.Tensor1D, [4 * count]);
    const tokens =
      softTokens &&
      tokensAt(flow, parameters.flow, softTokens, parameters.tokens!, t).map((each) =>
        tf.tile(each as tf.Tensor3D, [4 * count, 1, 1]),
      );
    const v = flow.velocity(parameters.flow, x, times, text, tokens);
    const [vSource, vTarget, nullSource, nullTarget] = tf.split(v as tf.Tensor, 4, 0) as Tensor[];
    const guided = (conditional: Tensor, unconditional: Tensor, which: number): Tensor =>
      tf.add(unconditional, tf.mul(tf.sub(conditional, unconditional), tf.slice(scales, which, 1)));
    const difference = tf.sub(guided(vTarget!, nullTarget!, 1), guided(vSource!, nullSource!, 0));
    return tf.add(z, tf.mul(difference, tf.sub(next, t)));
  };
}
