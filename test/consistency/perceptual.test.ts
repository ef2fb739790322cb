import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { classifierStandIn, lpips } from "../../src/consistency/index.js";
import { perceptualFeatures } from "../../src/consistency/perceptual.js";
import { compile } from "../../src/engine/compile.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { readSafetensors } from "../../src/io/safetensors.js";
import { classifier } from "../../src/metrics/index.js";
import { jvp } from "../../src/optim/index.js";
import { normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("cpu");
});

const file = new URL("../fixtures/reference/lpips.safetensors", import.meta.url).pathname;
const { tensors } = await readSafetensors(file);
const nhwc = (name: string): tf.Tensor =>
  tf.transpose(
    tf.tensor(tensors[name]!.data as Float32Array, tensors[name]!.shape as number[]),
    [0, 2, 3, 1],
  );

test("LPIPS against PyTorch: distance and gradient, with the published names", () => {
  const loss = lpips(tensors);
  const [x, y] = [nhwc("x"), nhwc("y")];
  const value = (x: Tensor): Tensor => loss.apply(x, y, loss.context).loss;
  close(value(x), tensors.distance!.data as Float32Array, 1e-4, "distance");
  close(tf.grad((x) => tf.sum(value(x)))(x), nhwc("grad_x"), 1e-3, "gradient");
});

for (const device of ["cpu", "wasm", "onnx"] as const)
  test(`LPIPS of other shapes against PyTorch, on ${device}: not square, grey, resized`, async () => {
    await useDevice(device);
    const { tensors } = await readSafetensors(
      new URL("../fixtures/reference/lpips_small.safetensors", import.meta.url).pathname,
    );
    const weights = Object.fromEntries(
      Object.entries(tensors).map(([name, array]) => [name.replace(/^weights\./, ""), array]),
    );
    const read = (name: string): tf.Tensor => {
      const { data, shape } = tensors[name]!;
      return tf.transpose(tf.tensor(data as Float32Array, shape as number[]), [0, 2, 3, 1]);
    };
    for (const [name, size] of [
      ["plain", undefined],
      ["gray", undefined],
      ["resized_up", 32],
      ["resized_down", 17],
    ] as const) {
      const loss = lpips(weights, size === undefined ? {} : { size });
      const { distance, gradient } = await compile((x: Tensor, y: Tensor) => {
        const value = (x: Tensor): Tensor => loss.apply(x, y, loss.context).loss;
        return { distance: value(x), gradient: tf.grad((x) => tf.sum(value(x)))(x as tf.Tensor) as Tensor };
      })(read(`${name}.x`), read(`${name}.y`));
      close(distance, tensors[`${name}.d`]!.data as Float32Array, 1e-4, `${name}: distance`);
      close(gradient, read(`${name}.grad_x`), 1e-3, `${name}: gradient`);
    }
    await useDevice("cpu");
  });

test("torchvision's names give the same; a missing weight and a wrong shape are named", () => {
  const renamed = Object.fromEntries(
    Object.entries(tensors).map(([name, array]) => [name.replace(/^net\.slice\d\./, "features."), array]),
  );
  const grey = tf.mean(nhwc("x"), 3, true);
  const [a, b] = [lpips(tensors), lpips(renamed, { size: 32 })];
  const zero = tf.zerosLike(grey);
  const half = tf.image.resizeBilinear(grey as tf.Tensor4D, [32, 32], false, true);
  const want = a.apply(half, tf.zerosLike(half), a.context).loss;
  close(b.apply(grey, zero, b.context).loss, want, 1e-5, "resized, grey");
  const { "net.slice2.5.weight": _, ...missing } = tensors;
  assert.throws(() => lpips(missing), /net\.slice2\.5\.weight.*nothing/);
  const wrong = { ...tensors, "lin1.model.1.weight": { shape: [1, 5, 1, 1], data: new Float32Array(5) } };
  assert.throws(() => lpips(wrong), /lin1\.model\.1\.weight.*\[1,5,1,1\]/);
});

test("LPIPS of points, of other channels and of images too small for its network is refused by name", async () => {
  const { context, apply } = lpips(tensors);
  const wrong: [number[], RegExp][] = [
    [[2, 3], /LPIPS, of \[2,3\].*a distance of points/],
    [[2, 16, 16, 2], /\[2,16,16,2\].*images of 1 or 3 channels/],
    [[2, 16, 8, 3], /LPIPS of 16 x 8 pixels.*at least 16 x 16/],
  ];
  for (const [shape, message] of wrong)
    assert.match((await rejection(() => apply(tf.zeros(shape), tf.zeros(shape), context))).message, message);
  assert.is((await rejection(() => lpips(tensors, { size: 8 }))).argument, "size");
});

test("the stand-in is a distance in the classifier's stages, finite where they are 0, with tangents", () => {
  const model = classifier({ size: 8, channels: 1, classes: 2 });
  const parameters = model.init(random.key(0));
  const loss = classifierStandIn({ model, parameters });
  const [x, y] = [normal(1, [2, 8, 8, 1]), normal(2, [2, 8, 8, 1])];
  const { loss: each } = loss.apply(x, y, loss.context);
  const parts = model.apply(parameters, x).stages.map((stage, i) => {
    const unit = (s: Tensor): tf.Tensor => tf.div(s, tf.norm(s, 2, 3, true));
    const other = model.apply(parameters, y).stages[i]!;
    return tf.mean(tf.sum(tf.squaredDifference(unit(stage), unit(other)), 3), [1, 2]);
  });
  close(each, tf.addN(parts as tf.Tensor[]), 1e-4, "distance");
  const zero = tf.zeros([1, 2, 2, 3]);
  const gradient = tf.grad((x) => tf.sum(tf.square(perceptualFeatures([x]))))(zero);
  assert.ok(gradient.dataSync().every((value) => value === 0));
  const { embed } = loss.terms[0]!;
  const { tangent } = jvp((x) => embed!(x!, loss.context), [x], [y]);
  const h = 1e-2;
  const at = (sign: number): Tensor => embed!(tf.add(x, tf.mul(y, sign * h)), loss.context);
  close(tangent, tf.div(tf.sub(at(1), at(-1)), 2 * h), 1e-2, "tangent");
  assert.throws(() => loss.apply(normal(1, [2, 3]), normal(2, [2, 3]), loss.context), /points/);
});

test.run();
