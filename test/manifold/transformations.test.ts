import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { gaussianBlur } from "../../src/manifold/blur.js";
import {
  type Draws,
  imageGroups,
  imageTransformations,
  pointGroups,
  pointTransformations,
  type Transformations,
} from "../../src/manifold/index.js";
import { warp } from "../../src/manifold/warp.js";
import { normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("cpu");
});

const label = ({ labelNames }: Transformations, draws: Draws, name: string): number[] => {
  const column = labelNames.indexOf(name);
  assert.ok(column >= 0, name);
  return (draws.labels.arraySync() as number[][]).map((row) => row[column]!);
};

/** A soft blob centred at (x, y), in pixels from the centre of a 16x16 image: [1, 16, 16, 1]. */
const blob = (x: number, y: number, width = 2): tf.Tensor =>
  tf.tensor(
    Float32Array.from({ length: 256 }, (_, i) =>
      Math.exp(-(((i % 16) - 7.5 - x) ** 2 + (Math.floor(i / 16) - 7.5 - y) ** 2) / (2 * width ** 2)),
    ),
    [1, 16, 16, 1],
  );

/** Centre of mass, in pixels from the centre, and the spread along x and y. */
function moments(image: Tensor): { x: number; y: number; spread: [number, number] } {
  const values = image.dataSync();
  let [mass, x, y, xx, yy] = [0, 0, 0, 0, 0];
  values.forEach((value, i) => {
    const [px, py] = [(i % 16) - 7.5, Math.floor(i / 16) - 7.5];
    mass += value;
    x += value * px;
    y += value * py;
    xx += value * px * px;
    yy += value * py * py;
  });
  x /= mass;
  y /= mass;
  return { x, y, spread: [Math.sqrt(xx / mass - x * x), Math.sqrt(yy / mass - y * y)] };
}

const images = (groups?: readonly (typeof imageGroups)[number][]): Transformations =>
  imageTransformations({ size: 16, channels: 1, probability: 1, ...(groups ? { groups } : {}) });

test("at strength 0 nothing is changed and all labels are 0", () => {
  const cases: [Transformations, tf.Tensor][] = [
    [images(), tf.clipByValue(normal(1, [3, 16, 16, 1]), -1, 1)],
    [pointTransformations({ dim: 3, probability: 1 }), normal(2, [3, 3])],
  ];
  for (const [transformations, x] of cases) {
    const draws = transformations.draw(random.key(1), 3, 0);
    close(transformations.apply(x, draws), x, 1e-6, "unchanged");
    assert.ok(draws.labels.dataSync().every((value) => value === 0));
    assert.is(draws.labels.shape[1], transformations.labelNames.length);
  }
});

test("each group of images alone changes them, and has its labels", () => {
  const x = tf.concat([blob(0, 0), blob(2, 1), blob(-2, 3)]);
  const counts = imageGroups.map((group) => {
    const transformations = images([group]);
    const draws = transformations.draw(random.key(2), 3, 1);
    assert.is(draws.labels.shape[1], transformations.labelNames.length);
    assert.ok(tf.max(tf.abs(tf.sub(transformations.apply(x, draws), x))).dataSync()[0]! > 1e-2, group);
    return transformations.labelNames.length;
  });
  assert.equal(counts, [7, 2, 3]);
  assert.is(images().labelNames.length, 12);
  assert.is(imageTransformations({ size: 16, channels: 3 }).labelNames.length, 15);
  assert.equal(imageTransformations({ size: 16, channels: 1, groups: ["aniso", "mixup"] }).labelNames, [
    ...["aniso cos", "aniso sin", "mixup"],
  ]);
});

test("geometric labels tell where content goes", () => {
  // Small shifts, so that mirror images stay outside.
  const transformations = imageTransformations({
    size: 16,
    channels: 1,
    probability: 1,
    groups: ["geometric"],
    translateFracStd: 0.05,
  });
  const count = 12;
  const start = [1.5, -1] as const;
  const draws = transformations.draw(random.key(3), count, 1);
  const moved = transformations.apply(tf.tile(blob(...start, 1.5), [count, 1, 1, 1]), draws);
  const of = (name: string): number[] => label(transformations, draws, name);
  const [scale, cos, sin] = [of("scale"), of("rotation cos - 1"), of("rotation sin")];
  const [anisoCos, anisoSin] = [of("aniso cos"), of("aniso sin")];
  const [shiftX, shiftY] = [of("shift x"), of("shift y")];
  let checked = 0;
  for (let i = 0; i < count; i++) {
    // output = A R s input + shift, y down; R turns by -a, A stretches by 2^(0.2 w) along (cos r, -sin r) and shrinks across.
    const s = 2 ** (0.2 * scale[i]!);
    const w = Math.hypot(anisoCos[i]!, anisoSin[i]!) * Math.sign(anisoCos[i]!);
    const [u, v] = [anisoCos[i]! / w, -anisoSin[i]! / w];
    const forward = ([x0, y0]: readonly [number, number]): [number, number] => {
      const rx = s * ((cos[i]! + 1) * x0 + sin[i]! * y0);
      const ry = s * (-sin[i]! * x0 + (cos[i]! + 1) * y0);
      const along = (rx * u + ry * v) * 2 ** (0.2 * w);
      const across = (ry * u - rx * v) / 2 ** (0.2 * w);
      return [along * u - across * v + 0.8 * shiftX[i]!, along * v + across * u + 0.8 * shiftY[i]!];
    };
    const [x, y] = forward(start);
    const outermost = (point: readonly [number, number]): number =>
      Math.max(...forward(point).map((value) => Math.abs(value)));
    const mirrored = [-15, 15].flatMap((d) => [
      [d - start[0], start[1]] as const,
      [start[0], d - start[1]] as const,
    ]);
    // Neither it nor one of its mirror images may be cut by the border.
    if (outermost(start) > 3 || Math.min(...mirrored.map(outermost)) < 11) continue;
    const centre = moments(tf.slice(moved, [i, 0, 0, 0], [1, 16, 16, 1]));
    assert.ok(Math.hypot(centre.x - x, centre.y - y) < 0.35, `${centre.x},${centre.y} against ${x},${y}`);
    checked++;
  }
  assert.ok(checked >= 4, `only ${checked} stay inside`);
});

test("warp: whole pixels move exactly, borders are reflected", () => {
  const x = normal(4, [1, 16, 16, 1]);
  const read = (dx: number): tf.Tensor => warp(x, tf.tensor3d([1, 0, dx, 0, 1, 0], [1, 2, 3])) as tf.Tensor;
  close(read(0), x, 1e-5, "identity");
  close(
    tf.slice(read(3), [0, 0, 0, 0], [1, 16, 13, 1]),
    tf.slice(x, [0, 0, 3, 0], [1, 16, 13, 1]),
    1e-5,
    "moved",
  );
  close(
    tf.slice(read(3), [0, 0, 13, 0], [1, 16, 3, 1]),
    tf.reverse(tf.slice(x, [0, 0, 12, 0], [1, 16, 3, 1]), 2),
    1e-5,
    "reflected",
  );
});

test("warp: channels and examples stay apart", () => {
  // Smooth, as the filter is not quite symmetric.
  const channels = [blob(1, 2, 3), blob(-2, 0, 3), blob(3, -1, 3)];
  const x = tf.concat([normal(5, [1, 16, 16, 3]), tf.concat(channels, 3)]) as tf.Tensor4D;
  const inverse = tf.tensor([1, 0, 0, 0, 1, 0, 0, -1, 0, 1, 0, 0], [2, 2, 3]);
  const y = warp(x, inverse);
  close(tf.slice(y, 0, 1), tf.slice(x, 0, 1), 1e-5, "first: identity");
  const turned = tf.reverse(tf.transpose(tf.slice(x, 1, 1), [0, 2, 1, 3]), 1);
  close(tf.slice(y, 1, 1), turned, 0.05, "second: a quarter turn");
});

test("blur widens by its standard deviation and keeps the mean", () => {
  const blurred = gaussianBlur(blob(0, 0, 1.5), tf.tensor1d([1.2]));
  for (const spread of moments(blurred).spread) assert.ok(Math.abs(spread - Math.hypot(1.5, 1.2)) < 0.05);
  close(gaussianBlur(tf.ones([1, 4, 6, 2]), tf.tensor1d([2])), tf.ones([1, 4, 6, 2]), 1e-5, "constant");
});

test("degradation and color labels are the drawn parameters", () => {
  const transformations = images(["degradation"]);
  const draws = transformations.draw(random.key(6), 4, 1);
  close(label(transformations, draws, "blur"), draws.blur!, 1e-5, "blur");
  close(label(transformations, draws, "mixup"), draws.mixup!, 1e-6, "mixup");
  const size = tf.sqrt(tf.mean(tf.square(draws.noise!), [1, 2, 3]));
  close(label(transformations, draws, "noise"), size, 1e-4, "noise");
  const color = images(["color"]);
  const drawn = color.draw(random.key(7), 2, 1);
  const [z, c] = [label(color, drawn, "brightness"), label(color, drawn, "contrast")];
  const grey = color.apply(tf.fill([2, 16, 16, 1], 0.5), drawn).arraySync() as number[][][][];
  for (const i of [0, 1]) {
    assert.ok(Math.abs(grey[i]![0]![0]![0]! - (0.5 + 0.2 * z[i]!) * 2 ** (0.5 * c[i]!)) < 1e-5);
  }
});

test("mixed-in examples weigh Beta(1, 3) / 2, or Beta(1, b) / 2", () => {
  for (const b of [3, 1, 0.5]) {
    const options = { groups: ["mixup"] as const, probability: 1, ...(b !== 3 && { mixupBeta: b }) };
    const mixed = imageTransformations({ size: 2, channels: 1, ...options });
    const weights = mixed.draw(random.key(11), 4000, 1).mixup!.dataSync() as Float32Array;
    const sorted = weights.map((w) => 2 * w).sort();
    // Kolmogorov and Smirnov: the largest distance to the distribution function stays below 1.63 / sqrt(n) in 99 of 100 cases.
    const off = sorted.map((x, i) => Math.abs((i + 0.5) / sorted.length - (1 - (1 - x) ** b)));
    assert.ok(Math.max(...off) < 1.63 / Math.sqrt(4000), `b = ${b}: ${Math.max(...off)}`);
  }
});

test("the blur is as strong, for the size of the image, as published for 32 pixels", () => {
  for (const size of [16, 32, 64]) {
    const blurred = imageTransformations({ size, channels: 1, groups: ["gaussian_blur"], probability: 1 });
    const sigmas = blurred.draw(random.key(12), 2000, 1).blur!.dataSync() as Float32Array;
    const most = (3 * size) / 32;
    assert.ok(Math.max(...sigmas) <= most && Math.max(...sigmas) > 0.99 * most, `${Math.max(...sigmas)}`);
    const [dot, draws] = [tf.zeros([1, size, size, 1]).bufferSync() as tf.TensorBuffer<tf.Rank.R4>, 2];
    dot.set(1, 0, size / 2, size / 2, 0);
    const wide = blurred.apply(tf.tile(dot.toTensor(), [draws, 1, 1, 1]), {
      labels: tf.zeros([draws, 1]),
      blur: tf.fill([draws], most),
    });
    const across = tf.sum(wide, [1, 3]).arraySync() as number[][];
    assert.is(across[0]!.filter((value) => value > 1e-6).length, { 16: 7, 32: 11, 64: 21 }[size]);
  }
});

test("points: the inverse of the labelled transformation gives the points back", () => {
  const transformations = pointTransformations({ dim: 2, groups: ["scale", "shift"], probability: 1 });
  assert.equal(transformations.labelNames, ["scale", "shift 0", "shift 1"]);
  const x = normal(8, [5, 2]);
  const draws = transformations.draw(random.key(8), 5, 1);
  const y = transformations.apply(x, draws);
  const labels = draws.labels as tf.Tensor2D;
  const shift = tf.mul(tf.slice(labels, [0, 1], [5, 2]), 0.25);
  const scale = tf.pow(2, tf.mul(tf.slice(labels, [0, 0], [5, 1]), 0.2));
  close(tf.div(tf.sub(y, shift), scale), x, 1e-5, "points");
  const mixed = pointTransformations({ dim: 2, groups: ["mixup"], probability: 1 });
  const weights = mixed.draw(random.key(9), 5, 1);
  const w = tf.reshape(weights.labels, [5, 1]);
  assert.is(w.dataSync()[2], 0);
  const next = tf.reverse(x, 0);
  close(mixed.apply(x, weights), tf.add(tf.mul(x, tf.sub(1, w)), tf.mul(next, w)), 1e-5, "mixup");
});

test("each transformation is applied with its probability", () => {
  const count = 2000;
  const transformations = pointTransformations({ dim: 1, probability: 0.4 });
  const draws = transformations.draw(random.key(10), count, 0.5);
  for (const group of pointGroups) {
    const name = group === "shift" ? "shift 0" : group;
    const applied = label(transformations, draws, name).filter((value) => value !== 0).length / count;
    assert.ok(Math.abs(applied - 0.2) < 0.04, `${group}: ${applied}`);
  }
});

test("unknown groups and probabilities are refused", () => {
  assert.throws(() => pointTransformations({ dim: 2, groups: ["spin" as "shift"] }), /invalid groups/);
  assert.throws(() => pointTransformations({ dim: 2, groups: [] }), /invalid groups/);
  assert.throws(() => imageTransformations({ size: 8, channels: 1, probability: 2 }), /invalid probability/);
});

test("strengths out of range are refused at once, examples of other shapes and counts when they come", async () => {
  for (const option of [{ blurKernelSize: 4 }, { hueMax: 2 }, { noiseStd: -1 }, { mixupBeta: 0 }])
    assert.is(
      (await rejection(() => imageTransformations({ size: 8, channels: 3, ...option }))).argument,
      Object.keys(option)[0],
    );
  assert.is((await rejection(() => pointTransformations({ dim: 2, noiseMax: -1 }))).argument, "noiseMax");
  const images = imageTransformations({ size: 8, channels: 3 });
  const points = pointTransformations({ dim: 2 });
  for (const [transformations, shape] of [
    [images, [2, 16, 16, 3]],
    [images, [3, 8, 8, 3]],
    [points, [2, 3]],
  ] as const) {
    const draws = transformations.draw(random.key(0), 2, 1);
    const error = await rejection(() => transformations.apply(tf.zeros([...shape]), draws));
    assert.match(
      error.message,
      new RegExp(`invalid x; given: .${shape}.; .*as the parameters were drawn for`),
    );
  }
});

test.run();
