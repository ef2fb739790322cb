import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import * as assert from "uvu/assert";
import type { Tensor } from "../../src/engine/tensor.js";

const path = (name: string): URL => new URL(`../fixtures/reference/${name}`, import.meta.url);

/** A committed JSON file of reference numbers. */
export const readJson = <T>(name: string): T => JSON.parse(readFileSync(path(name), "utf8")) as T;

/** The float32 tensors of a committed safetensors file, read plainly so that the reference does not depend on what it checks. */
export function readReference(name: string): (tensor: string) => tf.Tensor {
  const file = readFileSync(path(name));
  const headerLength = Number(file.readBigUInt64LE(0));
  type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };
  const header = JSON.parse(file.toString("utf8", 8, 8 + headerLength)) as Record<string, Entry>;
  return (tensor) => {
    const entry = header[tensor];
    if (entry?.dtype !== "F32") throw new Error(`${name} has no float32 tensor ${tensor}`);
    const [from, to] = entry.data_offsets.map((offset) => offset + 8 + headerLength) as [number, number];
    const bytes = new Uint8Array(file.subarray(from, to));
    return tf.tensor(new Float32Array(bytes.buffer), entry.shape);
  };
}

/** max|ours - reference| / (max|reference| + 1e-8). */
export function relativeError(ours: ArrayLike<number>, reference: ArrayLike<number>): number {
  assert.is(ours.length, reference.length);
  let difference = 0;
  let size = 0;
  for (let i = 0; i < ours.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i]! - reference[i]!));
    size = Math.max(size, Math.abs(reference[i]!));
    if (Number.isNaN(ours[i])) return Number.NaN;
  }
  return difference / (size + 1e-8);
}

/** Fails unless the relative error is within the tolerance. */
export function close(
  ours: Tensor | ArrayLike<number>,
  reference: Tensor | ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  const values = (x: Tensor | ArrayLike<number>): ArrayLike<number> =>
    x instanceof tf.Tensor ? x.dataSync() : (x as ArrayLike<number>);
  const error = relativeError(values(ours), values(reference));
  assert.ok(error <= tolerance, `${what}: relative error ${error} > ${tolerance}`);
}
