import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as edm from "../../src/diffusion/edm.js";

import { compile } from "../../src/engine/compile.js";
import { useDevice } from "../../src/engine/device.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { groupNorm, linear } from "../../src/nn/functional.js";
import { mlp, unet } from "../../src/nn/index.js";
import { jvp } from "../../src/optim/jvp.js";
import { normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";

type Function = (...primals: Tensor[]) => Tensor;

/** (f(x + h dx) - f(x - h dx)) / 2h. */
function differences(f: Function, primals: Tensor[], tangents: Tensor[], h = 5e-3): tf.Tensor {
  const at = (sign: number): Tensor =>
    f(...primals.map((x, i) => tf.add(x, tf.mul(tangents[i]!, sign * h)) as Tensor));
  return tf.div(tf.sub(at(1), at(-1)), 2 * h);
}

const small = edm.denoiser(mlp({ dim: 3, width: 8, depth: 2, layerNorm: true }));
const images = edm.denoiser(
  unet({ size: 4, inChannels: 2, channels: 8, multipliers: [1, 1], groups: 4, attention: true }),
);
const parameters = (size: number): tf.Tensor => tf.mul(normal(9, [size]), 0.3);
const scale = { weight: normal(3, [4]), bias: normal(4, [4]) };

const cases: Record<string, { f: Function; shapes: number[][] }> = {
  "a product": {
    f: (x, y) => tf.matMul(x!, y!),
    shapes: [
      [2, 3],
      [3, 4],
    ],
  },
  "max pooling": {
    f: (x) => tf.square(tf.maxPool(x as tf.Tensor4D, 2, 2, "valid")),
    shapes: [[2, 4, 4, 3]],
  },
  "max pooling with borders": {
    f: (x) => tf.maxPool(x as tf.Tensor4D, 3, 3, "same"),
    shapes: [[2, 4, 4, 3]],
  },
  "a normalization with a gradient of its own": {
    f: (x) => groupNorm(x!, scale, 2),
    shapes: [[2, 3, 3, 4]],
  },
  "a denoiser of points, in place and time": {
    f: (x, t) => small.apply(parameters(small.structure.size), x!, tf.add(tf.abs(t!), 0.3)),
    shapes: [[4, 3], [4]],
  },
  "a denoiser of images, in place and time": {
    f: (x, t) => images.apply(parameters(images.structure.size), x!, tf.add(tf.abs(t!), 0.3)),
    shapes: [[2, 4, 4, 2], [2]],
  },
};

for (const device of ["cpu", "onnx"] as const) {
  for (const [name, { f, shapes }] of Object.entries(cases)) {
    test(`${name}, against finite differences, on ${device}`, async () => {
      await useDevice(device);
      const primals = shapes.map((shape, i) => normal(10 + i, shape));
      const tangents = shapes.map((shape, i) => normal(20 + i, shape));
      const both = compile((primals: Tensor[], tangents: Tensor[]) => jvp(f, primals, tangents));
      const { value, tangent } = await both(primals, tangents);
      close(value, f(...primals), 1e-4, "value");
      close(tangent, differences(f, primals, tangents), 1e-2, "tangent");
    });
  }
}

test("of a tree of results, with the chain rule through a second function", async () => {
  await useDevice("cpu");
  const [x, dx] = [normal(1, [2, 3]), normal(2, [2, 3])];
  const affine = { weight: normal(5, [3, 2]), bias: normal(6, [2]) };
  const f = (x: Tensor): { a: Tensor; b: Tensor[] } => ({ a: tf.tanh(x), b: [linear(x, affine)] });
  const { value, tangent } = jvp((x) => f(x!), [x], [dx]);
  close(value.b[0]!, f(x).b[0]!, 1e-6, "value");
  close(tangent.b[0]!, tf.matMul(dx, affine.weight), 1e-5, "linear part");
  const composed = jvp((x) => tf.square(tf.tanh(x!)), [x], [dx]).tangent;
  close(tf.mul(tf.mul(tf.tanh(x), 2), tangent.a), composed, 1e-5, "chain rule");
});

test("is linear in the tangent, and itself has gradients", () => {
  const f = (x: Tensor): Tensor => tf.mul(tf.exp(x), x);
  const [x, u, v] = [normal(1, [5]), normal(2, [5]), normal(3, [5])];
  const along = (d: tf.Tensor): Tensor => jvp((x) => f(x!), [x], [d]).tangent;
  close(along(tf.add(u, tf.mul(v, 2))), tf.add(along(u), tf.mul(along(v), 2)), 1e-5, "linear");
  const gradient = tf.grad((x) => tf.sum(jvp((x) => f(x!), [x], [u]).tangent))(x);
  // (x e^x)'' = (x + 2) e^x
  close(gradient, tf.mul(tf.mul(tf.add(x, 2), tf.exp(x)), u), 1e-4, "gradient");
});

test("overlapping windows are refused", () => {
  const x = normal(1, [1, 5, 5, 1]);
  const f = (x: Tensor): Tensor => tf.maxPool(x as tf.Tensor4D, 3, 2, "valid");
  assert.throws(() => jvp((x) => f(x!), [x], [x]), /invalid strides/);
});

test.run();
