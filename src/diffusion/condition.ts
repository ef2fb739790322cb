import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { TangentLabError } from "../errors.js";
import type { Condition } from "../nn/network.js";
import type { Denoiser } from "./edm.js";

/**
 * What steers a denoiser in a training step, drawn on the host: dropout masks where the network has them, and with `classes` the examples' labels
 * [count], one-hot. All passes of the step share it.
 * @throws TangentLabError `invalid-data` if there are to be classes and the data have no labels.
 */
export function drawCondition(
  denoiser: Denoiser,
  key: Key,
  count: number,
  labels: Int32Array | undefined,
  classes: number | undefined,
): Condition {
  return {
    ...(classes !== undefined && { classLabels: oneHot(labels, count, classes) }),
    ...(denoiser.drawMasks && { masks: denoiser.drawMasks(key, count) }),
  };
}

/** Rows that are 1 at the label and 0 elsewhere: labels [count] in 0 ... classes - 1 -> [count, classes]. */
function oneHot(labels: Int32Array | undefined, count: number, classes: number): Tensor {
  const known = labels?.every((label) => label >= 0 && label < classes);
  if (!labels || labels.length !== count || !known) {
    throw new TangentLabError("invalid-data", "class-conditional training needs a label for each example", {
      argument: "data",
      given: known === false ? "labels out of range" : `${labels?.length ?? "no"} labels`,
      allowed: `${count} labels from 0 to ${classes - 1}`,
    });
  }
  return tf.tidy(() => tf.oneHot(tf.tensor1d(labels, "int32"), classes, 1, 0, "float32"));
}
