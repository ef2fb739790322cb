import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { corrupt, type Reference } from "./reference.js";

/** How far a quantity may be off, relative to the largest magnitude in its reference. */
export const tolerances = {
  /** What a function gives. */
  value: 1e-4,
  /** A derivative. */
  gradient: 1e-3,
  /** What several optimizer steps lead to. */
  optimizer: 2e-3,
} as const;
export type ToleranceKind = keyof typeof tolerances;

/** One number or tensor that the reference has, and ours. Layouts must agree: compare images as NHWC, or both as stored. */
export interface Comparison {
  /** Name in the table, such as "grad"; comparisons of the same name make one row, that of the largest error. */
  readonly quantity: string;
  /** Which part of the quantity, such as a parameter's name; shown where it is the worst one. */
  readonly part?: string;
  readonly ours: Tensor | ArrayLike<number>;
  readonly reference: Tensor | ArrayLike<number>;
  readonly kind: ToleranceKind;
}

/** A kind of reference case: what belongs to it and how to compute the same numbers. */
export interface CaseKind {
  /**
   * The metadata's `kind`, or the file's name, whole or up to an underscore: "edm_unet" is for edm_unet_a.safetensors, too. The longest
   * name that fits wins.
   */
  readonly kind: string;
  /**
   * Computes what the file has. Wrap what it computes in `compile(...)`: compiled on `onnx`, eager elsewhere. Tensors are disposed afterwards.
   * @throws TangentLabError for a file that is not as it should be; `corrupt(file.path, why)`.
   */
  verify(file: Reference): Promise<Comparison[]>;
}

/** max|ours - reference| / (max|reference| + 1e-8); NaN where ours or the reference is not a number. */
export function relativeError(ours: ArrayLike<number>, reference: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < reference.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i]! - reference[i]!));
    size = Math.max(size, Math.abs(reference[i]!));
  }
  return difference / (size + 1e-8);
}

/** The relative error of one comparison. @throws TangentLabError `corrupt-file` if the two are not of the same shape. */
export function errorOf({ quantity, part, ours, reference }: Comparison, file: Reference): number {
  const shape = (x: Tensor | ArrayLike<number>): string =>
    `[${x instanceof tf.Tensor ? x.shape : (x as ArrayLike<number>).length}]`;
  const both = ours instanceof tf.Tensor && reference instanceof tf.Tensor;
  const [a, b] = [values(ours), values(reference)];
  if (both ? shape(ours) !== shape(reference) : a.length !== b.length) {
    const what = part === undefined ? quantity : `${quantity} ${part}`;
    throw corrupt(
      file.path,
      `${what} is of shape ${shape(reference)}, where the rest of the file gives ${shape(ours)}`,
    );
  }
  return relativeError(a, b);
}

const values = (x: Tensor | ArrayLike<number>): ArrayLike<number> =>
  x instanceof tf.Tensor ? (x as tf.Tensor).dataSync() : (x as ArrayLike<number>);
