import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import { kernels } from "../../src/engine/onnx/kernels/index.js";
import { agree, randomTensor } from "./agree.js";
import { cases } from "./cases.js";

// The table of ops, compiled, against tfjs's plain JavaScript backend, with gradients and gradients of gradients.

const seen = new Set<string>();
for (const [name, kernel] of Object.entries(kernels)) {
  (kernels as Record<string, typeof kernel>)[name] = (context) => {
    seen.add(name);
    return kernel(context);
  };
}

test.before(async () => {
  await useDevice("onnx");
});

for (const { name, program, shapes, inputs, expect } of cases.filter((one) => !one.refused)) {
  test(name, async () => {
    const given = inputs?.() ?? shapes!.map((shape, i) => randomTensor(10 + i, shape));
    await agree(program, given, expect);
  });
}

test("every op that compiled steps cover is here", () => {
  assert.equal(
    Object.keys(kernels).filter((kernel) => !seen.has(kernel)),
    [],
  );
});

test.run();
