import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";

/**
 * How errors E become logits: "exponential" scale exp(-E / temperature), as published, which no longer tells errors of several temperatures apart; "linear"
 * -(E - the row's smallest) / temperature, which does.
 */
export type LogitForm = "exponential" | "linear";

/** How denoising errors become logits (SoftREPA, 2503.08250). */
export interface ContrastiveLossConfig {
  /** Default "exponential". */
  logits?: LogitForm;
  /** How fast a logit falls with the error. Default 0.07; 0.02 for "linear", the gap of about one attribute. */
  temperature?: number;
  /** The logit of an error of 0, only for "exponential". Default 4. */
  scale?: number;
  /** Weight of the positive pairs' own mean error, which keeps the model generating. Default 0. */
  positiveWeight?: number;
}

/**
 * SoftREPA's contrastive loss (2503.08250) of rows of denoising errors E [rows, captions] >= 0: softmax cross-entropy of every row with its own caption, logits
 * = scale exp(-E / temperature), plus positiveWeight times the mean of the positive pairs' errors. `logits: "linear"` has linear ones.
 * @param positives [rows, captions], 1 at each row's own caption and 0 elsewhere.
 * @returns the mean over rows, its cross-entropy alone, and how often the own caption has the least error; scalars.
 */
export function contrastiveLoss(
  errors: Tensor,
  positives: Tensor,
  config: ContrastiveLossConfig = {},
): { loss: Tensor; crossEntropy: Tensor; accuracy: Tensor } {
  for (const [name, given] of Object.entries({ errors, positives }))
    check(given instanceof tf.Tensor && given.rank === 2, name, given, "a tensor [images, captions]");
  check(
    `${positives.shape}` === `${errors.shape}`,
    "positives",
    positives.shape,
    `[${errors.shape}], as errors`,
  );
  const { logits: form, temperature, scale, positiveWeight } = checkContrastive(config);
  const logits =
    form === "linear"
      ? tf.div(tf.sub(errors, tf.min(errors, 1, true)), -temperature)
      : tf.mul(tf.exp(tf.div(errors, -temperature)), scale);
  const positive = tf.sum(tf.mul(logits, positives), 1);
  const crossEntropy = tf.mean(tf.sub(logSumExp(logits), positive));
  const own = tf.sum(tf.mul(errors, positives), 1);
  const least = tf.min(errors, 1);
  return {
    loss: positiveWeight === 0 ? crossEntropy : tf.add(crossEntropy, tf.mul(tf.mean(own), positiveWeight)),
    crossEntropy,
    accuracy: tf.mean(tf.cast(tf.lessEqual(own, least), "float32")),
  };
}

/** The settings with their defaults. @throws TangentLabError `invalid-argument` for a loss's settings out of range. */
export function checkContrastive(config: ContrastiveLossConfig): Required<ContrastiveLossConfig> {
  const { logits = "exponential", positiveWeight = 0 } = config;
  check(logits === "exponential" || logits === "linear", "logits", logits, '"exponential" or "linear"');
  check(
    logits === "exponential" || config.scale === undefined,
    "scale",
    config.scale,
    "none for linear logits",
  );
  const { temperature = logits === "linear" ? 0.02 : 0.07, scale = 4 } = config;
  check.positive("temperature", temperature);
  check.positive("scale", scale);
  check(
    positiveWeight >= 0 && Number.isFinite(positiveWeight),
    "positiveWeight",
    positiveWeight,
    "a finite number >= 0",
  );
  return { logits, temperature, scale, positiveWeight };
}

/**
 * InfoNCE's lower bound on the mutual information of image and caption, in nats: ln(captions) - cross-entropy (van den Oord et al., 1807.03748). At most
 * ln(captions), whatever the true information is.
 */
export function infoNceBound(crossEntropy: number, captions: number): number {
  check(Number.isFinite(crossEntropy), "crossEntropy", crossEntropy, "a finite number");
  check.count("captions", captions);
  return Math.log(captions) - crossEntropy;
}

/** Over the last axis. */
function logSumExp(logits: Tensor): Tensor {
  const top = tf.max(logits, 1, true);
  return tf.squeeze(tf.add(top, tf.log(tf.sum(tf.exp(tf.sub(logits, top)), 1, true))), [1]);
}
