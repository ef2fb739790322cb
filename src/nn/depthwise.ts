import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";

// A depthwise convolution is bilinear in image and filter, and so are its two gradients: each one's gradients are the other two. tfjs has the
// first gradients only; tangents of features need the second ones.

type Bilinear = (a: Tensor, b: Tensor) => Tensor;

/** f(a, b) with the gradients `byA` and `byB` of (dy, a, b). */
const withGradients = (
  f: Bilinear,
  byA: (dy: Tensor, a: Tensor, b: Tensor) => Tensor,
  byB: (dy: Tensor, a: Tensor, b: Tensor) => Tensor,
): Bilinear =>
  tf.customGrad((...inputs) => {
    const [a, b, save] = inputs as [Tensor, Tensor, tf.GradSaveFunc];
    save([a, b] as tf.Tensor[]);
    return {
      value: f(a, b),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [a, b] = saved as [Tensor, Tensor];
        return [byA(dy, a, b), byB(dy, a, b)];
      },
    };
  }) as Bilinear;

/**
 * Depthwise convolution with zero borders, "same" size divided by the stride as TensorFlow has it (one more pixel after than before where the number is odd):
 * x [N, H, W, C], filter [h, w, C, 1] -> [N, H', W', C]. Has gradients of any order.
 */
export function depthwiseConv2d(x: Tensor, filter: Tensor, stride: number): Tensor {
  const attrs = { strides: [stride, stride], pad: "same", dilations: [1, 1] };
  const run = (kernel: string, inputs: Record<string, Tensor>, more: tf.NamedAttrMap = {}): Tensor =>
    tf.engine().runKernel(`DepthwiseConv2dNative${kernel}`, inputs as tf.NamedTensorMap, {
      ...attrs,
      ...more,
    }) as Tensor;
  const forward: Bilinear = (x, filter) =>
    withGradients(
      (x, filter) => run("", { x, filter }),
      (dy, _, filter) => byInput(dy, filter),
      (dy, x) => byFilter(x, dy),
    )(x, filter);
  const byInput: Bilinear = (dy, filter) =>
    withGradients(
      (dy, filter) => run("BackpropInput", { dy, filter }, { inputShape: x.shape }),
      (dx, _, filter) => forward(dx, filter),
      (dx, dy) => byFilter(dx, dy),
    )(dy, filter);
  const byFilter: Bilinear = (x, dy) =>
    withGradients(
      (x, dy) => run("BackpropFilter", { x, dy }, { filterShape: filter.shape }),
      (dFilter, _, dy) => byInput(dy, dFilter),
      (dFilter, x) => forward(x, dFilter),
    )(x, dy);
  return forward(x, filter);
}
