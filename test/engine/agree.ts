import * as tf from "@tensorflow/tfjs-core";
import * as assert from "uvu/assert";
import { compile } from "../../src/engine/compile.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";

/** A function of tensors whose results may be of any number and type. */
export type Program = (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

/** Fails unless shapes, types and values agree: differences up to `tolerance` of the largest value. */
export function close(got: Tensor, want: Tensor, tolerance: number, what: string): void {
  assert.equal(got.shape, want.shape, `${what}: shape`);
  assert.is(got.dtype, want.dtype, `${what}: dtype`);
  const [a, b] = [got, want].map((t) => Array.from(t.dataSync())) as [number[], number[]];
  const scale = b.reduce((m, value) => (Number.isFinite(value) ? Math.max(m, Math.abs(value)) : m), 1e-3);
  b.forEach((value, i) => {
    const fits = Object.is(a[i], value) || a[i] === value || Math.abs(a[i]! - value) <= tolerance * scale;
    assert.ok(fits, `${what}: element ${i} of [${want.shape}] is ${a[i]}, not ${value}`);
  });
}

export interface Expectations {
  /** How often to differentiate: 0 values only, 1 gradients, 2 gradients of gradients. Default 2. */
  order?: 0 | 1 | 2;
  tolerance?: number;
}

/**
 * Fails unless `program`, compiled, gives what it gives on tfjs's plain JavaScript backend (to be in use): values, the gradients with respect
 * to its float inputs of a random quadratic function of its float results, and the gradients of the sum of squares of these.
 */
export async function agree(
  program: Program,
  inputs: tf.Tensor[],
  { order = 2, tolerance = 2e-5 }: Expectations = {},
): Promise<void> {
  const whole = differentiated(program, inputs, order);
  const want = tf.tidy(() => whole(...inputs) as tf.TensorContainer) as Results;
  const got = await compile((...xs: Tensor[]) => whole(...(xs as tf.Tensor[])))(...inputs);
  assert.equal(Object.keys(got), Object.keys(want));
  for (const [name, tensor] of Object.entries(want)) {
    // Every differentiation adds rounding errors.
    const order = name.split("'").length - 1;
    close(got[name]!, tensor, tolerance * 5 ** order, name);
  }
  tf.dispose([want, got] as tf.TensorContainer);
}

type Results = { readonly [name: string]: tf.Tensor };

/** The program with its gradients: "0", "1", ... are its results, "0'" the gradient with respect to input 0, "0''" that of the sum of its squares. */
function differentiated(
  program: Program,
  inputs: readonly tf.Tensor[],
  order: number,
): (...inputs: tf.Tensor[]) => Results {
  const outputs = (xs: readonly tf.Tensor[]): tf.Tensor[] => [program(...xs)].flat();
  const floats = inputs.flatMap((x, i) => (x.dtype === "float32" ? [i] : []));
  const scalar = (results: readonly tf.Tensor[]): tf.Scalar =>
    results
      .filter((y) => y.dtype === "float32")
      // Not linear, so that linear programs have second derivatives.
      .map((y, i) => tf.sum(tf.mul(y, tf.add(tf.mul(y, 0.5), randomTensor(1000 + i, y.shape)))))
      .reduce((a, b) => tf.add(a, b), tf.scalar(0)) as tf.Scalar;
  const gradients =
    (f: (all: readonly tf.Tensor[]) => tf.Scalar) =>
    (all: readonly tf.Tensor[]): tf.Tensor[] =>
      tf.grads((...xs: tf.Tensor[]) => f(all.map((x, i) => xs[floats.indexOf(i)] ?? x)))(
        floats.map((i) => all[i]!),
      );
  const first = gradients((all) => scalar(outputs(all)));
  const second = gradients((all) =>
    first(all)
      .map((g) => tf.sum(tf.square(g)))
      .reduce((a, b) => tf.add(a, b))
      .asScalar(),
  );
  return (...all) => {
    const named = (results: tf.Tensor[], suffix: string) =>
      results.map((tensor, i) => [`${i}${suffix}`, tensor] as const);
    return Object.fromEntries([
      ...named(outputs(all), ""),
      ...(order >= 1 ? named(first(all), "'") : []),
      ...(order >= 2 ? named(second(all), "''") : []),
    ]);
  };
}

/** Standard normals; the same for the same seed. */
export const randomTensor = (seed: number, shape: readonly number[]): tf.Tensor =>
  tf.tensor(
    random.normal(
      random.key(seed),
      shape.reduce((a, b) => a * b, 1),
    ),
    shape as number[],
  );

/** Integers from 0 to below `max`. */
export const randomIntegers = (seed: number, shape: readonly number[], max: number): tf.Tensor =>
  tf.tensor(
    random.integers(
      random.key(seed),
      shape.reduce((a, b) => a * b, 1),
      max,
    ),
    shape as number[],
    "int32",
  );
