import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { TangentLabError } from "../errors.js";
import type { Condition } from "../nn/network.js";
import type { Denoiser } from "./edm.js";

/**
 * What conditions a network in a step, made on the host: dropout masks where `drawMasks` is given, and with `classes` the examples' labels [count], one-hot.
 * All passes of the step share it. The caller disposes it.
 * @throws TangentLabError `invalid-data` if classes are asked for and the data have no labels.
 */
export function drawCondition(
  { drawMasks }: Pick<Denoiser, "drawMasks">,
  key: Key,
  count: number,
  labels: Int32Array | undefined,
  classes: number | undefined,
): Condition {
  return {
    ...(classes !== undefined && { classLabels: oneHot(labels, count, classes) }),
    ...(drawMasks && { masks: drawMasks(key, count) }),
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
