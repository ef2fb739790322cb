import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import { useDevice } from "../../src/engine/device.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { adam, adamw, type Optimizer, radam } from "../../src/optim/index.js";
import { tested } from "../engine/devices.js";
import { close, readReference } from "./fixtures.js";

test.before(async () => {
  await useDevice(tested("cpu")[0]!);
});

const cases: Record<string, Optimizer> = {
  radam: radam(),
  adam: adam(),
  adamw: adamw({ weightDecay: 1e-2 }),
};

for (const [name, optimizer] of Object.entries(cases)) {
  test(`${name} makes PyTorch's 12 steps`, () => {
    const reference = readReference(`optimizer_${name}.safetensors`);
    let parameters: Tensor = reference("p0");
    let state = optimizer.init(parameters);
    for (let i = 0; i < 12; i++) {
      ({ parameters, state } = optimizer.update(reference(`grad.${i}`) as Tensor, state, parameters, 2e-3));
      close(parameters, reference(`p.${i}`), 1e-4, `parameters after step ${i + 1}`);
      const moved = tf.sub(parameters, reference("p0"));
      close(moved, tf.sub(reference(`p.${i}`), reference("p0")), 2e-3, `movement after step ${i + 1}`);
    }
  });
}

test.run();
