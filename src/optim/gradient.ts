import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";

/** A scalar to differentiate, and further values computed on the way. */
export interface LossAndAux<Aux extends tree.Tree> {
  loss: Tensor;
  aux: Aux;
}

/** The scalar loss, what was computed on the way, and the gradient of the loss at x, of x's shape. Like JAX's value_and_grad(has_aux=True). */
export function valueAndGrad<Aux extends tree.Tree>(
  f: (x: Tensor) => LossAndAux<Aux>,
  x: Tensor,
): LossAndAux<Aux> & { gradient: Tensor } {
  let kept: Aux | undefined;
  // The gradient's own scope ends before we return: what should outlive it is kept, then copied into the caller's scope.
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => {
    const { loss, aux } = f(x);
    kept = tree.map((leaf) => tf.keep(tf.clone(leaf)), aux);
    return loss as tf.Scalar;
  })(x as tf.Tensor);
  const aux = tree.map((leaf) => tf.clone(leaf), kept!);
  tree.dispose(kept!);
  return { loss: value, aux, gradient: grad };
}
