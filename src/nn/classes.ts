import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { Condition } from "./network.js";

/** Number of classes of a network, an integer >= 0. @throws TangentLabError `invalid-argument`. */
export const checkClasses = (classes: number): void => check.count("classes", classes, 0);

/**
 * The class labels [batch, classes] of a condition, if there are any, checked against the network's number of classes.
 * @throws TangentLabError `invalid-argument` where the network has no classes, or other ones.
 */
export function classLabelsOf({ classLabels }: Condition, classes: number): Tensor | undefined {
  if (!classLabels) return undefined;
  check(classes > 0, "classLabels", classLabels.shape, "none: this network was made without classes");
  check(
    classLabels.rank === 2 && classLabels.shape[1] === classes,
    "classLabels",
    classLabels.shape,
    `[batch, ${classes}], the network's classes`,
  );
  return classLabels;
}

/** The same, or zeros where there are none, scaled to root mean square 1 as EDM's networks get them; undefined for a network without classes. */
export function classRows(condition: Condition, classes: number, batch: number): Tensor | undefined {
  const labels = classLabelsOf(condition, classes);
  if (labels) return tf.mul(labels, Math.sqrt(classes));
  return classes > 0 ? tf.zeros([batch, classes]) : undefined;
}
