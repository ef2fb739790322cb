import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check } from "../errors.js";
import { adamw } from "../optim/adam.js";
import { valueAndGrad } from "../optim/gradient.js";
import { type Method, method, type TrainingConfig } from "../optim/method.js";
import { type ContrastiveLossConfig, checkContrastive, contrastiveLoss } from "./contrastive-loss.js";
import type { SoftTokens } from "./tokens.js";

/** Encoded captions: tensors whose first axis counts the captions. */
export type EncodedText = { readonly [name: string]: Tensor };

/** A trained text-to-image flow as soft tokens see it: its parameters stay as they are. */
export interface FrozenFlow {
  /** Shape of one image. */
  readonly shape: readonly number[];
  /** Its parameters [P]. */
  readonly parameters: Tensor;
  /** Token numbers of captions, on the host: [captions, length]. @throws TangentLabError for captions it cannot take. */
  tokenize(captions: readonly string[]): Tensor;
  /** What the network reads of the captions. */
  encode(parameters: Tensor, ids: Tensor): EncodedText;
  /** v(x_t, t, captions), with soft tokens [n, m, dim] for each of the first layers: x [n, ...shape], t [n], text of n captions. */
  velocity(
    parameters: Tensor,
    x: Tensor,
    t: Tensor,
    text: EncodedText,
    softTokens?: readonly Tensor[],
  ): Tensor;
}

export interface ContrastiveConfig extends TrainingConfig, ContrastiveLossConfig {
  flow: FrozenFlow;
  tokens: SoftTokens;
  /** All captions; a batch's labels are indices into them. */
  captions: readonly string[];
  /**
   * Image-caption pairs that are evaluated, with their gradients, at once: the memory that a step takes grows with it and not with batch size squared.
   * Rounded down to whole rows of one image with all captions. Default 64.
   */
  chunk?: number;
}

/**
 * Soft token training (SoftREPA, 2503.08250): for a batch of b images and their captions, one noise and one time for all of them,
 * E[i][j] = mean (v(x_t of image i, caption j) - (e - x0_i))^2, and the contrastive loss of E's rows. Only the tokens are trained: by AdamW with a decay of 1e-4
 * unless `optimizer` says otherwise. Metrics: loss, crossEntropy, accuracy, error (mean of the positive pairs).
 */
export function contrastive(config: ContrastiveConfig): Method {
  const { flow, tokens, captions, chunk = 64 } = config;
  const { shape } = flow;
  checkContrastive(config);
  check(captions.length > 0, "captions", "an empty list", "one or more captions");
  check.count("chunk", chunk);
  const width = shape.reduce((a, b) => a * b, 1);
  return method({
    optimizer: adamw({ weightDecay: 1e-4 }),
    ...config,
    init: tokens.init,
    context: { flow: flow.parameters },
    batch: (key, x, _iteration, labels) => {
      const count = x.length / width;
      check(
        labels?.length === count,
        "data",
        `${labels?.length ?? "no"} labels`,
        `${count} labels: indices of captions`,
      );
      check(count >= 2, "batchSize", count, "an integer >= 2: captions are told apart within a batch");
      const [noiseKey, timeKey] = random.split(key, 2);
      return {
        x: tf.tensor(x, [count, ...shape]) as Tensor,
        noise: tf.tensor(random.normal(noiseKey, width), [1, ...shape]) as Tensor,
        t: tf.tensor1d(random.uniform(timeKey, 1)) as Tensor,
        ids: flow.tokenize(Array.from(labels, (label) => captions[label]!)),
      };
    },
    loss: (parameters, { x, noise, t, ids }, context) => {
      const count = x.shape[0]!;
      const rows = Math.min(count, Math.max(1, Math.floor(chunk / count)));
      const text = flow.encode(context.flow!, ids);
      const positives = tf.eye(count);
      // The rows of E enter the loss one by one. Each chunk's gradient is taken at once, so that its activations can go before the next.
      const sums = {
        loss: 0 as number | Tensor,
        gradient: 0 as number | Tensor,
        aux: {} as Record<string, Tensor>,
      };
      for (let from = 0; from < count; from += rows) {
        const size = Math.min(rows, count - from);
        const images = tf.slice(x, from, size);
        const own = tf.slice(positives, [from, 0], [size, count]);
        const part = valueAndGrad((parameters) => {
          const errors = pairErrors(flow, context.flow!, images, noise, t, text, tokens.apply(parameters, t));
          const { loss, crossEntropy, accuracy } = contrastiveLoss(errors, own, config);
          const error = tf.div(tf.sum(tf.mul(errors, own)), size);
          return { loss, aux: { crossEntropy, accuracy, error } };
        }, parameters);
        const share = size / count;
        sums.loss = tf.add(sums.loss, tf.mul(part.loss, share));
        sums.gradient = tf.add(sums.gradient, tf.mul(part.gradient, share));
        for (const [name, value] of Object.entries(part.aux)) {
          sums.aux[name] = tf.add(sums.aux[name] ?? 0, tf.mul(value, share));
        }
      }
      // A function with the value and the gradient found; a copy, because `at` is `parameters` itself.
      const here = tf.clone(parameters);
      const { loss, gradient, aux } = sums as { loss: Tensor; gradient: Tensor; aux: Record<string, Tensor> };
      return (at) => ({ loss: tf.add(loss, tf.sum(tf.mul(tf.sub(at, here), gradient))), aux });
    },
  });
}

/**
 * E[i][j], the denoising error of image i with caption j: images x0 [n, ...shape], one noise e [1, ...shape] and one time t [1] for all, m encoded captions,
 * soft tokens at t, L x [1, tokens, dim] -> [n, m].
 */
export function pairErrors(
  flow: FrozenFlow,
  parameters: Tensor,
  x: Tensor,
  noise: Tensor,
  t: Tensor,
  text: EncodedText,
  softTokens?: readonly Tensor[],
): Tensor {
  const n = x.shape[0]!;
  const m = Object.values(text)[0]!.shape[0]!;
  const all = n * m;
  const times = (tensor: Tensor, count: number): Tensor =>
    tf.tile(tensor as tf.Tensor, [count, ...tensor.shape.slice(1).map(() => 1)]);
  /** Each image m times in a row; captions then repeat as a whole. */
  const eachImage = (images: Tensor): Tensor =>
    tf.reshape(tf.tile(tf.reshape(images, [n, 1, -1]), [1, m, 1]), [all, ...flow.shape]);
  const noisy = tf.add(tf.mul(x, tf.sub(1, t)), tf.mul(noise, t));
  const velocity = flow.velocity(
    parameters,
    eachImage(noisy),
    times(t, all),
    tree.map((tensor) => times(tensor, n), text),
    softTokens?.map((tokens) => times(tokens, all)),
  );
  const error = tf.sub(velocity, eachImage(tf.sub(noise, x)));
  return tf.reshape(tf.mean(tf.reshape(tf.square(error), [all, -1]), 1), [n, m]);
}
