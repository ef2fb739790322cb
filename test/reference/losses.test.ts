import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import { type Distance, l1, l2, pseudoHuber } from "../../src/consistency/index.js";
import { useDevice } from "../../src/engine/device.js";
import { tested } from "../engine/devices.js";
import { close, readReference } from "./fixtures.js";

test.before(async () => {
  await useDevice(tested("cpu")[0]!);
});

const cases: Record<string, Distance> = {
  l1: l1(),
  l2: l2(),
  "pseudohuber_0.00054": pseudoHuber({ c: 0.00054 }),
  "pseudohuber_0.03": pseudoHuber({ c: 0.03 }),
};

for (const [name, distance] of Object.entries(cases)) {
  test(`${name}: weighted mean and gradient`, () => {
    const reference = readReference("losses.safetensors");
    const { value, grad } = tf.valueAndGrad(
      (x: tf.Tensor) => tf.mean(tf.mul(distance(x, reference("y")), reference("weight"))) as tf.Scalar,
    )(reference("x"));
    close(value, reference(name), 1e-4, "value");
    close(grad, reference(`${name}.grad_x`), 1e-3, "gradient");
  });
}

test.run();
