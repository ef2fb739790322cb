import * as tf from "@tensorflow/tfjs-core";
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/engine/compile.js";
import { describeDevice, useDevice } from "../../src/engine/device.js";
import { convolutionVariable } from "../../src/engine/environment.js";
import { type ConvolutionLowering, convolutionLowerings } from "../../src/engine/onnx/graph.js";
import { lowering } from "../../src/engine/onnx/lowering.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { functional } from "../../src/nn/index.js";
import { close, randomTensor } from "./agree.js";

// A convolution has three lowerings. Whatever the shapes, all three compute the same, and so does what lies between convolutions: on blocks of channels
// elementwise ops, sums, pooling and concatenation work on another layout.

const inherited = process.env[convolutionVariable];
test.before(async () => {
  await useDevice("onnx");
});
test.after.each(() => force(inherited));

function force(name: string | undefined): void {
  if (name === undefined) delete process.env[convolutionVariable];
  else process.env[convolutionVariable] = name;
}

type Named = { readonly [name: string]: tf.Tensor };

/** The results of `f` under each lowering must be close to those of the gathered one. */
async function allAlike(
  f: (...inputs: tf.Tensor[]) => Named,
  inputs: tf.Tensor[],
  tolerance: number,
): Promise<void> {
  const results = new Map<ConvolutionLowering, Named>();
  for (const name of convolutionLowerings) {
    force(name);
    const compiled = compile((...xs: Tensor[]) => f(...(xs as tf.Tensor[])));
    results.set(name, (await compiled(...inputs)) as Named);
  }
  const reference = results.get("gathered")!;
  for (const [name, result] of results)
    for (const [quantity, want] of Object.entries(reference))
      close(result[quantity]!, want, tolerance, `${quantity}, ${name}`);
  tf.dispose([...results.values()] as tf.TensorContainer);
}

/** Values, and gradients for all inputs of a function that is not linear in them. */
const differentiated =
  (f: (...inputs: tf.Tensor[]) => tf.Tensor) =>
  (...inputs: tf.Tensor[]): Named => {
    const value = f(...inputs);
    const weights = randomTensor(77, value.shape);
    const scalar = (...xs: tf.Tensor[]): tf.Scalar => {
      const y = f(...xs);
      return tf.sum(tf.mul(y, tf.add(weights, tf.mul(y, 0.1))));
    };
    const gradients = tf.grads(scalar)(inputs);
    const named = gradients.map((gradient, i) => [`gradient ${i}`, gradient] as const);
    return { value, ...Object.fromEntries(named) };
  };

const size = fc.integer({ min: 1, max: 33 });
const channels = fc.oneof(fc.integer({ min: 1, max: 130 }), fc.constantFrom(1, 3, 8, 16, 32, 48, 64, 96));
const geometry = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  height: size,
  width: size,
  inputs: channels,
  outputs: channels,
  kernel: fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })),
  stride: fc.constantFrom(1, 1, 1, 2, 3),
  dilation: fc.constantFrom(1, 1, 1, 2),
  pad: fc.constantFrom("same" as const, "valid" as const),
});
type Geometry = typeof geometry extends fc.Arbitrary<infer G> ? G : never;

/** Whether there is a result, and tfjs has gradients for it: not of strides and dilations together, nor of dilations. */
const possible = ({ height, width, kernel, stride, dilation, pad }: Geometry): boolean =>
  (stride === 1 || dilation === 1) &&
  (pad === "same" || (height > (kernel[0] - 1) * dilation && width > (kernel[1] - 1) * dilation));

/** So that a case takes milliseconds. */
const small = ({ batch, height, width, inputs, outputs, kernel }: Geometry): boolean =>
  batch * height * width * inputs * outputs * kernel[0] * kernel[1] < 2e7;

test("convolutions of any geometry, with their gradients", async () => {
  await fc.assert(
    fc.asyncProperty(
      geometry.filter((g) => possible(g) && small(g)),
      async ({ batch, height, width, inputs, outputs, kernel, stride, dilation, pad }) => {
        const x = randomTensor(1, [batch, height, width, inputs]);
        const filter = randomTensor(2, [...kernel, inputs, outputs]);
        const convolve = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
          tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad, "NHWC", dilation);
        const f =
          dilation === 1
            ? differentiated(convolve)
            : (...xs: tf.Tensor[]) => ({ value: convolve(xs[0]!, xs[1]!) });
        await allAlike(f, [x, filter], 2e-5);
        tf.dispose([x, filter]);
      },
    ),
    { numRuns: 60, seed: 14 },
  );
});

test("depthwise convolutions of any geometry, with their gradients", async () => {
  await fc.assert(
    fc.asyncProperty(
      geometry.filter((g) => possible(g) && small({ ...g, outputs: 1 }) && g.dilation === 1),
      fc.constantFrom(1, 1, 2),
      async ({ batch, height, width, inputs, kernel, stride, pad }, multiplier) => {
        const x = randomTensor(1, [batch, height, width, inputs]);
        const filter = randomTensor(2, [...kernel, inputs, multiplier]);
        const convolve = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
          tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad);
        await allAlike(differentiated(convolve), [x, filter], 2e-5);
        tf.dispose([x, filter]);
      },
    ),
    { numRuns: 30, seed: 15 },
  );
});

test("filter gradients that are large enough to be convolutions themselves", async () => {
  for (const [height, inputs, outputs, pad, stride] of [
    [32, 64, 96, "same", 1],
    [32, 96, 64, "same", 1],
    [34, 64, 64, "valid", 1],
    [64, 64, 64, "same", 2],
  ] as const) {
    const x = randomTensor(3, [4, height, height, inputs]);
    const filter = tf.mul(randomTensor(4, [3, 3, inputs, outputs]), 0.1);
    const f = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
      tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad);
    await allAlike(differentiated(f), [x, filter], 3e-5);
    tf.dispose([x, filter]);
  }
});

test("pooling and enlarging of any geometry", async () => {
  await fc.assert(
    fc.asyncProperty(
      geometry.filter((g) => possible({ ...g, dilation: 1 }) && small({ ...g, outputs: 8 })),
      fc.constantFrom([1, 1], [2, 2], [3, 1], [1, 4]),
      async ({ batch, height, width, inputs, kernel, stride, pad }, [rows, columns]) => {
        const x = randomTensor(10, [batch, height, width, inputs]);
        const f = (x: tf.Tensor): Named => ({
          largest: tf.maxPool(x as tf.Tensor4D, kernel, stride, pad),
          means: tf.avgPool(x as tf.Tensor4D, kernel, stride, pad),
          enlarged: tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [height * rows!, width * columns!]),
        });
        await allAlike(f, [x], 1e-6);
        tf.dispose(x);
      },
    ),
    { numRuns: 20, seed: 17 },
  );
});

type Image = tf.Tensor4D;
interface Weights {
  readonly filter: tf.Tensor;
  readonly narrow: tf.Tensor;
  readonly perChannel: tf.Tensor;
  readonly perSample: tf.Tensor;
}

/** Steps between images of 32 channels: what the networks here are made of, and what meets a layout with some cunning. */
const steps: readonly ((h: Image, w: Weights, first: Image) => tf.Tensor)[] = [
  (h, { filter }) => tf.conv2d(h, filter as Image, 1, "same"),
  (h, { filter, perChannel }) =>
    functional.conv2d(h, { weight: filter as Tensor, bias: perChannel as Tensor }) as tf.Tensor,
  (h, { perChannel }) =>
    functional.groupNorm(
      h,
      { weight: perChannel as Tensor, bias: tf.mul(perChannel, 0.5) as Tensor },
      4,
    ) as tf.Tensor,
  (h) => functional.silu(h) as tf.Tensor,
  (h) => tf.tanh(h),
  (h, { perSample }) => tf.add(h, tf.reshape(perSample, [-1, 1, 1, 32])),
  (h, { perSample }) => tf.mul(tf.reshape(perSample, [-1, 1, 1, 32]), h),
  (h, { perChannel }) => tf.mul(h, perChannel),
  (h, { perChannel }) => tf.sub(perChannel, h),
  (h, _, first) => tf.add(first, h),
  (h, _, first) => tf.mul(tf.tanh(h), tf.tanh(first)),
  (h, _, first) => tf.add(tf.sub(h, first), 1),
  (h) => tf.sub(h, tf.mean(h, [1, 2], true)),
  (h) => tf.div(h, tf.add(tf.mean(tf.square(h), [1, 2, 3], true), 1)),
  (h) => tf.sub(h, tf.mean(h, 3, true)),
  (h) => tf.sub(h, tf.mean(h)),
  (h) => functional.upsample2x(functional.downsample2x(h)) as tf.Tensor,
  (h) => functional.upsample2x(functional.maxPool2x(tf.tanh(h) as Tensor)) as tf.Tensor,
  (h) => tf.avgPool(h, 3, 1, "same"),
  (h, _, first) => tf.slice(tf.concat([h, first], 3), [0, 0, 0, 16], [-1, -1, -1, 32]),
  (h, _, first) => tf.slice(tf.concat([first, h], 3), [0, 0, 0, 5], [-1, -1, -1, 32]),
  (h) => tf.concat((tf.split(h, 2, 3) as tf.Tensor[]).reverse(), 3),
  (h) => tf.concat((tf.split(h, [8, 24], 3) as tf.Tensor[]).reverse(), 3),
  (h, _, first) => tf.slice(tf.concat([h, first], 0), [1, 0, 0, 0], [h.shape[0], -1, -1, -1]),
  (h) => tf.reshape(tf.tanh(tf.reshape(h, [-1, 64])), h.shape),
  (h) => tf.where(tf.greater(h, 0.1), h, tf.mul(h, 0.3)),
  (h) => tf.clipByValue(h, -0.7, 0.9),
  (h) => tf.relu(h),
  (h, { narrow }) => tf.mul(h, tf.sigmoid(tf.conv2d(h, narrow as Image, 1, "same"))),
  (h) => tf.reverse(h, [1]),
  (h) => tf.transpose(h, [0, 2, 1, 3]),
];

test("programs of images between convolutions, with their gradients", async () => {
  const rows = fc.array(fc.integer({ min: 0, max: steps.length - 1 }), { minLength: 2, maxLength: 7 });
  await fc.assert(
    fc.asyncProperty(rows, fc.constantFrom(1, 2), fc.constantFrom(2, 4, 16), async (chosen, batch, side) => {
      const x = randomTensor(5, [batch, side, side, 32]);
      const weights = {
        filter: tf.mul(randomTensor(6, [3, 3, 32, 32]), 0.06) as tf.Tensor,
        narrow: tf.mul(randomTensor(7, [3, 3, 32, 1]), 0.06) as tf.Tensor,
        perChannel: tf.add(randomTensor(8, [32]), 0.1) as tf.Tensor,
        perSample: randomTensor(9, [batch, 32]),
      };
      const f = (x: tf.Tensor, filter: tf.Tensor, perChannel: tf.Tensor, perSample: tf.Tensor): tf.Tensor => {
        const w = { filter, narrow: weights.narrow, perChannel, perSample };
        const first = tf.conv2d(x as Image, filter as Image, 1, "same") as Image;
        const last = chosen.reduce((h, i) => steps[i]!(h, w, first) as Image, first);
        // All inputs are used, so that there are gradients for all.
        return tf.add(tf.mul(last, perChannel), tf.reshape(perSample, [-1, 1, 1, 32]));
      };
      // Maxima, masks and clipped values jump: roundings may fall on either side there, so that single numbers may differ; means do not.
      await allAlike(
        (...inputs) => {
          const all = differentiated(f)(...inputs);
          const jumps = chosen.some((i) => /maxPool|greater|clipBy|relu/.test(`${steps[i]}`));
          return jumps ? { value: all.value! } : all;
        },
        [x, weights.filter, weights.perChannel, weights.perSample],
        1e-4,
      );
      tf.dispose([x, ...Object.values(weights)]);
    }),
    { numRuns: 60, seed: 16 },
  );
});

test("the largest of equal neighbours that comes first gets the gradient, in blocks, too", async () => {
  const filter = tf.tensor4d(
    Array.from({ length: 32 * 32 }, (_, i) => Number(Math.floor(i / 32) === i % 32)),
    [1, 1, 32, 32],
  );
  const x = tf.ones([1, 4, 4, 32]);
  const f = (x: tf.Tensor, filter: tf.Tensor): Named => {
    const wide = tf.pad(filter, [
      [1, 1],
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
    const pooled = (x: tf.Tensor): tf.Tensor =>
      functional.maxPool2x(tf.conv2d(x as Image, wide as Image, 1, "same") as Tensor) as tf.Tensor;
    return { gradient: tf.grad((x: tf.Tensor) => tf.sum(pooled(x)))(x) };
  };
  for (const name of convolutionLowerings) {
    force(name);
    const { gradient } = (await compile((...xs: Tensor[]) => f(xs[0] as tf.Tensor, xs[1] as tf.Tensor))(
      x,
      filter,
    )) as Named;
    const plane = Array.from(tf.slice(gradient!, [0, 0, 0, 3], [1, 4, 4, 1]).dataSync());
    assert.equal(plane, [1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0], name);
  }
});

test("a state that hands weights on makes them constants, and other weights are noticed", async () => {
  const step = compile(
    ({ weights, x }: { weights: Tensor; x: Tensor }) => ({
      state: { weights: tf.clone(weights), x: tf.add(x, tf.sum(weights)) },
    }),
    { donate: true },
  );
  for (const fill of [1, 2, 3, 4]) {
    let state = { weights: tf.fill([512], fill) as Tensor, x: tf.scalar(0) as Tensor };
    for (let i = 1; i <= 3; i++) {
      ({ state } = (await step(state)) as { state: typeof state });
      assert.is(state.x.dataSync()[0], 512 * fill * i, `weights of ${fill}`);
    }
    tf.dispose(state);
  }
});

test("arguments that are said to be constant are compiled for anew when others come", async () => {
  const scaled = compile((weights: Tensor, x: Tensor) => tf.mul(weights, x) as Tensor, { constants: [0] });
  const x = tf.scalar(3);
  for (const fill of [1, 2, 1]) {
    const weights = tf.fill([300], fill);
    assert.is((await scaled(weights, x)).dataSync()[7], 3 * fill);
    assert.is((await scaled(weights, x)).dataSync()[7], 3 * fill);
    weights.dispose();
  }
});

test("an unknown lowering is refused by the variable's name; the device says which is in use", async () => {
  force("winograd");
  try {
    await lowering();
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /TANGENT_LAB_CONVOLUTION.*winograd.*blocked, gathered, standard/);
  }
  force("gathered");
  assert.match(await describeDevice(), /convolutions gathered/);
});

test("a number for each sample is not taken for one for each channel where there are as many", async () => {
  const inputs = [
    [16, 4, 4, 16],
    [3, 3, 16, 16],
    [16, 1, 1, 1],
  ].map((shape, i) => randomTensor(i + 1, shape));
  await allAlike(
    (x, w, each) => {
      const y = tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same");
      return { sum: tf.add(y, each), difference: tf.sub(y, each), product: tf.mul(y, each) };
    },
    inputs,
    1e-4,
  );
});

test("constants that are a training state's are those of the step, though its memory is used again", async () => {
  const step = compile(({ p }: { p: Tensor }) => ({ state: { p: tf.add(p as tf.Tensor, 1) } }), {
    donate: true,
  });
  const sample = compile((p: Tensor) => ({ y: tf.sum(p as tf.Tensor) }), { constants: [0] });
  let state: { p: Tensor } = { p: tf.zeros([1024]) };
  for (let i = 1; i <= 6; i++) {
    state = (await step(state)).state as { p: Tensor };
    const { y } = (await sample(state.p)) as { y: tf.Tensor };
    assert.is(y.dataSync()[0], 1024 * i);
  }
});

test.run();
