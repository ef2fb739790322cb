import * as tf from "@tensorflow/tfjs-core";
import * as fc from "fast-check";
import { test } from "uvu";
import { compile } from "../../src/engine/compile.js";
import { type DeviceName, useDevice } from "../../src/engine/device.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { close, randomTensor } from "./agree.js";
import { tested } from "./devices.js";

// Random equations against sums written out.

const letters = ["a", "b", "c", "d"] as const;
type Sizes = Record<string, number>;

/** The sum over all places of all axes, one by one. */
function writtenOut(
  terms: readonly string[],
  out: string,
  sizes: Sizes,
  tensors: readonly tf.Tensor[],
): tf.Tensor {
  const axes = [...new Set(terms.join(""))];
  const place = (term: string, at: Sizes): number =>
    term.split("").reduce((index, axis) => index * sizes[axis]! + at[axis]!, 0);
  const data = tensors.map((tensor) => tensor.dataSync());
  const shape = out.split("").map((axis) => sizes[axis]!);
  const sums = new Float64Array(shape.reduce((a, b) => a * b, 1));
  const visit = (i: number, at: Sizes): void => {
    if (i === axes.length) {
      const product = terms.reduce((value, term, t) => value * data[t]![place(term, at)]!, 1);
      sums[place(out, at)]! += product;
      return;
    }
    for (let n = 0; n < sizes[axes[i]!]!; n++) visit(i + 1, { ...at, [axes[i]!]: n });
  };
  visit(0, {});
  return tf.tensor(Float32Array.from(sums), shape);
}

const term = fc.shuffledSubarray([...letters], { minLength: 1 }).map((axes) => axes.join(""));
const equation = fc
  .record({
    terms: fc.array(term, { minLength: 1, maxLength: 2 }),
    sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 4, maxLength: 4 }),
  })
  .chain(({ terms, sizes }) =>
    fc.shuffledSubarray([...new Set(terms.join(""))]).map((axes) => ({
      terms,
      out: axes.join(""),
      sizes: Object.fromEntries(letters.map((letter, i) => [letter, sizes[i]!])) as Sizes,
    })),
  );

const runs: Partial<Record<DeviceName, number>> = { cpu: 200, wasm: 100, onnx: 60, tensorflow: 60 };

for (const device of tested("cpu", "wasm", "onnx"))
  test(`einsum of random equations on ${device}`, async () => {
    await useDevice(device);
    await fc.assert(
      fc.asyncProperty(equation, async ({ terms, out, sizes }) => {
        const tensors = terms.map((axes, i) =>
          randomTensor(
            i,
            axes.split("").map((axis) => sizes[axis]!),
          ),
        );
        const written = `${terms}->${out}`;
        const got = await compile((...xs: Tensor[]) => tf.einsum(written, ...(xs as tf.Tensor[])) as Tensor)(
          ...tensors,
        );
        close(got, writtenOut(terms, out, sizes, tensors), 1e-5, written);
      }),
      { numRuns: runs[device]!, seed: 20261128 },
    );
  });

test.run();
