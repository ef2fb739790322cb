import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";

/**
 * The value of f and its derivative along the tangents (a Jacobian-vector product), like JAX's jvp: f must depend on each of its primals; a tangent has the
 * shape of its primal.
 *
 * It is the derivative of the pullback v -> v^T J, which is linear, with respect to v: nothing of the pullback itself is then needed. A compiled function
 * leaves it out and runs what forward-mode differentiation would run.
 */
export function jvp<R extends tree.Tree>(
  f: (...primals: Tensor[]) => R,
  primals: readonly Tensor[],
  tangents: readonly Tensor[],
): { value: R; tangent: R } {
  const value = f(...primals);
  const cotangents = tree.leaves(value).map((leaf) => tf.zerosLike(leaf) as tf.Tensor);
  const along = (...v: tf.Tensor[]): tf.Tensor => {
    const pullback = tf.grads((...x: tf.Tensor[]) => inner(tree.leaves(f(...x)), v));
    return inner(pullback(primals as tf.Tensor[]), tangents);
  };
  return { value, tangent: tree.unflatten(value, tf.grads(along)(cotangents)) };
}

/** Sum over all tensors of the products of corresponding entries. */
const inner = (a: readonly Tensor[], b: readonly Tensor[]): tf.Tensor =>
  a.map((x, i) => tf.sum(tf.mul(x, b[i]!)) as tf.Tensor).reduce((sum, part) => tf.add(sum, part));
