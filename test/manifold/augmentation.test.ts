import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fromArray } from "../../datasets/index.js";
import * as diffusion from "../../src/diffusion/index.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import { edmAugmentation } from "../../src/manifold/index.js";
import { songUnet } from "../../src/nn/index.js";

test.before(async () => {
  await useDevice("cpu");
});

const size = 16;

type Matrix = number[][];
const times = (...matrices: Matrix[]): Matrix =>
  matrices.reduce((A, B) =>
    A.map((row) => [0, 1, 2].map((j) => row.reduce((sum, a, k) => sum + a * B[k]![j]!, 0))),
  );
const scale = (x: number, y: number): Matrix => [
  [x, 0, 0],
  [0, y, 0],
  [0, 0, 1],
];
/** Appendix F.2's Rotate2D. */
const rotate = (a: number): Matrix => [
  [Math.cos(a), -Math.sin(a), 0],
  [Math.sin(a), Math.cos(a), 0],
  [0, 0, 1],
];
const translate = (x: number, y: number): Matrix => [
  [1, 0, x],
  [0, 1, y],
  [0, 0, 1],
];
/** The inverse of an affine map, by its cofactors. */
function inverted([[a, b, x], [c, d, y]]: Matrix): Matrix {
  const det = a! * d! - b! * c!;
  const [p, q, r, s] = [d! / det, -b! / det, -c! / det, a! / det];
  return [
    [p, q, -(p * x! + q * y!)],
    [r, s, -(r * x! + s * y!)],
    [0, 0, 1],
  ];
}

/**
 * Where a pixel of the picture goes, of one row of labels: appendix F.2's table read from its end, since the last line is applied last. Labels do not tell a stretch
 * from a shrinking along the opposite direction, which is the same axis: `sign` does.
 */
function mapOf([, , scaled, cos, sin, stretchX, stretchY, x, y]: number[], sign: 1 | -1): Matrix {
  const angle = Math.atan2(sin!, cos! + 1);
  const stretch = 2 ** (0.2 * sign * Math.hypot(stretchX!, stretchY!));
  const axis = Math.atan2(stretchY!, stretchX!);
  return times(
    translate(0.125 * size * x!, 0.125 * size * y!),
    rotate(-axis),
    scale(stretch, 1 / stretch),
    rotate(axis),
    rotate(-angle),
    scale(2 ** (0.2 * scaled!), 2 ** (0.2 * scaled!)),
  );
}

test("positions of pixels, and the labels that tell of them: against the maps of appendix F.2", () => {
  const { draw, labelNames } = edmAugmentation({ size, channels: 1, probability: 1 });
  assert.is(labelNames.length, 9);
  const { labels, inverse } = draw(random.key(3), 50, 1);
  const [rows, maps] = [labels.arraySync() as number[][], inverse!.arraySync() as number[][][]];
  const signs = rows.map((row, i) => {
    const differences = ([1, -1] as const).map((sign) => {
      const expected = inverted(mapOf(row, sign));
      return Math.max(
        ...maps[i]!.flatMap((line, r) => line.map((value, c) => Math.abs(value - expected[r]![c]!))),
      );
    });
    assert.ok(Math.min(...differences) < 1e-4, `example ${i}: ${maps[i]}`);
    return differences[0]! < 1e-4;
  });
  assert.ok(signs.includes(true) && signs.includes(false));
});

test("each change with its probability, mirroring left for right with a half; strength 0 leaves that alone", () => {
  const count = 20_000;
  const { draw } = edmAugmentation({ size, channels: 1 });
  const rows = draw(random.key(1), count, 1).labels.arraySync() as number[][];
  const share = (fits: (row: number[]) => boolean): number => rows.filter(fits).length / count;
  for (const [of, fits, expected] of [
    ["flip x", (row) => row[0] === 1, 0.5],
    ["flip y", (row) => row[1] === 1, 0.06],
    ["scale", (row) => row[2] !== 0, 0.12],
    ["rotation", (row) => row[4] !== 0, 0.12],
    ["aniso", (row) => row[5] !== 0 || row[6] !== 0, 0.12],
    ["an axis that is not horizontal", (row) => row[6] !== 0, 0.06],
    ["shift", (row) => row[7] !== 0 && row[8] !== 0, 0.12],
  ] as readonly [string, (row: number[]) => boolean, number][])
    assert.ok(Math.abs(share(fits) - expected) < 0.018, `${of}: ${share(fits)}`);
  const still = draw(random.key(1), 100, 0).labels.arraySync() as number[][];
  assert.ok(
    still.every((row) => row.slice(1).every((value) => value === 0)) && still.some(([flip]) => flip === 1),
  );
});

test("mirrored exactly, where nothing else is done; turned where it should be", () => {
  const { draw, apply } = edmAugmentation({ size, channels: 3, probability: 0 });
  const x = tf.tensor4d(random.normal(random.key(5), 8 * size * size * 3), [8, size, size, 3]);
  const draws = draw(random.key(6), 8, 1);
  const flips = (draws.flips!.arraySync() as number[][]).map(([flip]) => flip === 1);
  assert.ok(flips.includes(true) && flips.includes(false));
  const [seen, mirrored, plain] = [
    apply(x, draws).arraySync(),
    tf.reverse(x, 2).arraySync(),
    x.arraySync(),
  ] as number[][][][][];
  flips.forEach((flip, i) => {
    const difference = (seen![i] as unknown as number[][][])
      .flat(2)
      .map((value, k) => value - ((flip ? mirrored : plain)![i] as unknown as number[][][]).flat(2)[k]!);
    assert.ok(Math.max(...difference.map(Math.abs)) < 2e-5);
  });
});

test("a denoiser trains with it and is told its labels; the record says so", async () => {
  const data = fromArray(random.normal(random.key(2), 6 * 8 * 8).map(Math.tanh), [8, 8, 1]);
  const network = songUnet({
    ...{ size: 8, inChannels: 1, channels: 32, multipliers: [1], blocks: 1, attentionSizes: [], dropout: 0 },
    augmentLabels: 9,
  });
  const augment = edmAugmentation({ size: 8, channels: 1, probability: 0.5 });
  const model = diffusion.denoiser(network);
  const parameters = model.init(random.key(0));
  const method = diffusion.denoising({ denoiser: model, shape: [8, 8, 1], augment });
  const batch = method.batch(random.key(4), data.sample(random.key(1), 4).x, 0) as unknown as {
    draws: { labels: tf.Tensor };
  };
  assert.equal(batch.draws.labels.shape, [4, 9]);
  const state = method.from(parameters);
  const gradient = model.structure.unravel(method.gradient(state, batch as never)) as {
    map_augment: { weight: tf.Tensor };
  };
  assert.ok(gradient.map_augment.weight.abs().max().dataSync()[0]! > 0);
  const { record } = await diffusion.train(data, { network, augment, steps: 1, batchSize: 2 });
  assert.equal(record.settings.augment, { kind: "edm", probability: 0.5 });
});

test.run();
