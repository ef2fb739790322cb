import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { checkCaptionLabels } from "../loop/data.js";
import { adamw } from "../optim/adam.js";
import { type LossAndAux, valueAndGrad } from "../optim/gradient.js";
import { type Method, method, type TrainingConfig } from "../optim/method.js";
import { checkCaptions } from "./captions.js";
import { type ContrastiveLossConfig, checkContrastive, contrastiveLoss } from "./contrastive-loss.js";
import { fixedRanges } from "./flow-matching.js";
import { checkFlow, checkTokens, type FrozenFlow, tokensAt } from "./frozen-flow.js";
import { drawNegatives, type HardNegatives } from "./negatives.js";
import { pairErrors } from "./pair-errors.js";
import type { SoftTokens } from "./tokens.js";
import type { TextToImage } from "./types.js";

export type { EncodedText, FrozenFlow } from "./frozen-flow.js";
export { pairErrors } from "./pair-errors.js";

/** Options of `contrastive`. */
export interface ContrastiveConfig extends TrainingConfig, ContrastiveLossConfig {
  flow: FrozenFlow;
  /** Soft tokens to train for the frozen flow. Default none: the flow's own parameters are trained, its text encoder with them, from where they are. */
  tokens?: SoftTokens | undefined;
  /** All captions; a batch's labels are indices into them. */
  captions: readonly string[];
  /** Range of the times t that are drawn, in [0, 1]. Default 0 and 1, as published. */
  tMin?: number;
  tMax?: number;
  /** Times of a step, one in each of as many equal parts of the range; all pairs are evaluated at each. Default 1, as published. */
  timesPerStep?: number;
  /** Negatives for each picture besides the batch's captions: `attributeNegatives` or `nearestNegatives`. Default none, as published. */
  negatives?: HardNegatives | undefined;
  /**
   * False drops the contrastive term and leaves the positive pairs' own error, with a weight of `positiveWeight`, here 1 by default, and a noise for each
   * picture: plain prompt tuning. Default true.
   */
  contrast?: boolean;
  /**
   * Image-caption pairs that are evaluated, with their gradients, at once: the memory that a step takes grows with it and not with batch size squared.
   * Rounded down to whole rows of one image with all its captions. Default 64.
   */
  chunk?: number;
}

/**
 * Soft token training (SoftREPA, 2503.08250): a batch has b images and their captions, one noise e and one time t for all of them. The loss is the contrastive
 * loss of the rows of E[i][j] = mean (v(x_t of image i, caption j) - (e - x0_i))^2. Hard negatives make the rows longer. Only the tokens are trained, or without
 * tokens the whole flow: by AdamW with a decay of 1e-4 unless `optimizer` says otherwise. Metrics: loss, error (mean of the positive pairs) and, with the contrastive term, crossEntropy and
 * accuracy.
 * @throws TangentLabError `invalid-argument` for settings out of range and tokens that do not fit the flow; in a batch, `invalid-data` for a caption without
 * negatives.
 */
export function contrastive(config: ContrastiveConfig): Method {
  required("config", config, "an object with flow, tokens and captions");
  const { flow, tokens, captions, chunk = 64, contrast = true, negatives } = config;
  const { tMin = 0, tMax = 1, timesPerStep = 1 } = config;
  checkFlow(flow);
  const { shape } = flow;
  const { positiveWeight = 1 } = config;
  checkContrastive(config);
  checkCaptions("captions", captions);
  if (tokens !== undefined) checkTokens(flow, tokens);
  check.count("chunk", chunk);
  check.count("timesPerStep", timesPerStep);
  check(Number.isFinite(tMin) && tMin >= 0 && tMin < 1, "tMin", tMin, "a number in [0, 1)");
  check(
    Number.isFinite(tMax) && tMax > tMin && tMax <= 1,
    "tMax",
    tMax,
    `a number in (${tMin}, 1]: more than tMin`,
  );
  check(typeof contrast === "boolean", "contrast", contrast, "true or false");
  if (!contrast) {
    for (const name of ["logits", "temperature", "scale", "negatives"] as const)
      check(config[name] === undefined, name, config[name], "none without the contrastive term");
    check(positiveWeight > 0, "positiveWeight", positiveWeight, "a number > 0: there is no other term");
  }
  if (negatives !== undefined) {
    check(
      typeof negatives?.of === "function",
      "negatives",
      negatives,
      "attributeNegatives(...) or nearestNegatives(...)",
    );
    const { count = 1 } = negatives;
    check.count("negatives.count", count);
    const own = negatives.captions ?? captions;
    const same = own.length === captions.length && own.every((caption, label) => caption === captions[label]);
    check(same, "negatives", `those of ${own.length} other captions`, "those of the captions of the data");
  }
  // All of them once: a caption that is too long is found here, not when it is drawn.
  flow.tokenize(captions).dispose();
  const width = shape.reduce((a, b) => a * b, 1);
  return method({
    optimizer: adamw({ weightDecay: 1e-4 }),
    ...config,
    init: tokens ? tokens.init : () => tf.clone(flow.parameters),
    context: tokens ? { flow: flow.parameters } : {},
    fixed: tokens || !("structure" in flow) ? [] : fixedRanges(flow as FrozenFlow & TextToImage),
    batch: (key, x, _iteration, labels) => {
      const count = x.length / width;
      checkCaptionLabels(labels, count);
      check(
        count >= 2 || !contrast,
        "batchSize",
        count,
        "an integer >= 2: captions are told apart within a batch",
      );
      const [noiseKey, timeKey] = random.split(key);
      const noises = timesPerStep * (contrast ? 1 : count);
      const drawn = random.uniform(timeKey, timesPerStep);
      const hard = negatives
        ? Array.from(labels, (label, i) =>
            drawNegatives(
              negatives,
              label,
              negatives.count ?? count - 1,
              random.foldIn(random.foldIn(key, 0), i),
            ),
          )
        : [];
      return {
        x: tf.tensor(x, [count, ...shape]) as Tensor,
        noise: tf.tensor(random.normal(noiseKey, noises * width), [noises, ...shape]) as Tensor,
        t: tf.tensor1d(drawn.map((u, k) => tMin + ((tMax - tMin) * (k + u)) / timesPerStep)) as Tensor,
        ids: flow.tokenize([...labels, ...hard.flat()].map((label) => captions[label]!)),
      };
    },
    loss: (parameters, { x, noise, t, ids }, context) => {
      const count = x.shape[0]!;
      const frozen = tokens && { flow: context.flow!, text: flow.encode(context.flow!, ids) };
      const hard = ids.shape[0]! / count - 1;
      /** The captions of an image's row. Its own is that of its number in the batch. */
      const columns = (image: number): number[] => [
        ...Array.from({ length: count }, (_, i) => i),
        ...Array.from({ length: hard }, (_, i) => count + image * hard + i),
      ];
      const rows = Math.min(count, Math.max(1, Math.floor(chunk / (contrast ? count + hard : 1))));
      // The rows of E enter the loss one by one. Each chunk's gradient is taken at once, so that its activations can go before the next.
      const sums = {
        loss: 0 as number | Tensor,
        gradient: 0 as number | Tensor,
        aux: {} as Record<string, Tensor>,
      };
      for (let k = 0; k < timesPerStep; k++) {
        const time = tf.slice(t, [k], [1]);
        for (let from = 0; from < count; from += rows) {
          const size = Math.min(rows, count - from);
          const images = tf.slice(x, from, size);
          const own = Array.from({ length: size }, (_, i) => from + i);
          const e = contrast ? tf.slice(noise, k, 1) : tf.slice(noise, k * count + from, size);
          const part = valueAndGrad((parameters): LossAndAux<Record<string, Tensor>> => {
            const used = frozen ?? { flow: parameters, text: flow.encode(parameters, ids) };
            const soft = tokens && tokensAt(flow, used.flow, tokens, parameters, time);
            const errorsOf = (columns?: number[][]): Tensor =>
              pairErrors(flow, used.flow, images, e, time, used.text, soft, columns);
            if (!contrast) {
              const error = tf.mean(errorsOf(own.map((i) => [i])));
              return { loss: tf.mul(error, positiveWeight), aux: { error } };
            }
            const errors = errorsOf(hard > 0 ? own.map(columns) : undefined);
            const positives = tf.oneHot(tf.tensor1d(own, "int32"), count + hard, 1, 0, "float32") as Tensor;
            const { loss, crossEntropy, accuracy } = contrastiveLoss(errors, positives, config);
            const error = tf.div(tf.sum(tf.mul(errors, positives)), size);
            return { loss, aux: { crossEntropy, accuracy, error } };
          }, parameters);
          const share = size / (count * timesPerStep);
          sums.loss = tf.add(sums.loss, tf.mul(part.loss, share));
          sums.gradient = tf.add(sums.gradient, tf.mul(part.gradient, share));
          for (const [name, value] of Object.entries(part.aux)) {
            sums.aux[name] = tf.add(sums.aux[name] ?? 0, tf.mul(value, share));
          }
        }
      }
      // A function with the value and the gradient found; a copy, because `at` is `parameters` itself.
      const here = tf.clone(parameters);
      const { loss, gradient, aux } = sums as { loss: Tensor; gradient: Tensor; aux: Record<string, Tensor> };
      return (at) => ({ loss: tf.add(loss, tf.sum(tf.mul(tf.sub(at, here), gradient))), aux });
    },
  });
}
