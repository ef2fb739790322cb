import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { continuousParts } from "../../src/consistency/continuous.js";
import { discreteParts } from "../../src/consistency/discrete.js";
import {
  cd,
  classifierStandIn,
  continuous,
  continuousTimes,
  ct,
  ect,
  exponentialCurriculum,
  ict,
  type Loss,
  l1,
  l2,
  levelTimes,
  type ObjectiveConfig,
  pseudoHuber,
  rootCurriculum,
  scd,
  sct,
} from "../../src/consistency/index.js";
import { mfd } from "../../src/consistency/mfd.js";
import * as edm from "../../src/diffusion/edm.js";
import { euler, heunStep, trigflow } from "../../src/diffusion/index.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";

import { classifier } from "../../src/metrics/index.js";
import { flatten, mlp, mlpFeatures, unet } from "../../src/nn/index.js";
import { valueAndGrad } from "../../src/optim/gradient.js";
import type { Method } from "../../src/optim/index.js";
import { normal } from "../finite-differences.js";
import { close, readJson } from "../reference/fixtures.js";

test.before(async () => {
  await useDevice("cpu");
});

const points = edm.denoiser(mlp({ dim: 2, width: 8, depth: 1 }));
const images = edm.denoiser(unet({ size: 8, inChannels: 1, channels: 4, multipliers: [1], groups: 2 }));
const random1 = (size: number): tf.Tensor => tf.mul(normal(9, [size]), 0.3);
const phi = flatten(mlpFeatures({ dim: 2, labels: 3, width: 8, depth: 2 }));
const phiParameters = phi.init(random.key(1));
const judge = classifier({ size: 8, channels: 1, classes: 2 });

const distances: Record<string, Loss> = {
  l1: l1(),
  l2: l2(),
  "pseudo-huber": pseudoHuber(),
  MFD: mfd({ model: phi, parameters: phiParameters }),
  mixed: mfd({ model: phi, parameters: phiParameters }, { beside: pseudoHuber(), lambda: 0.5, ramp: 10 }),
  perceptual: classifierStandIn({ model: judge, parameters: judge.init(random.key(2)) }),
};
const teacherOf = (denoiser: edm.Denoiser): { denoiser: edm.Denoiser; parameters: Tensor } => ({
  denoiser,
  parameters: tf.mul(normal(7, [denoiser.structure.size]), 0.3),
});
const objectives: Record<string, (config: ObjectiveConfig) => Method> = {
  ...Object.fromEntries(
    [ect(), ct(), ict(), cd(), sct()].map((objective) => [
      objective.name,
      (config: ObjectiveConfig) =>
        objective.method({
          ...config,
          iterations: 100,
          ...(objective.teacher && { teacher: teacherOf(config.denoiser) }),
        }),
    ]),
  ),
  "scd, TrigFlow": (config) =>
    scd({ process: "trigflow", warmup: 10 }).method({
      ...config,
      iterations: 100,
      teacher: teacherOf(config.denoiser),
    }),
};

for (const [name, objective] of Object.entries(objectives)) {
  test(`${name}: finite losses and a gradient with every distance; the same key gives the same step`, () => {
    for (const [distance, loss] of Object.entries(distances)) {
      const denoiser = distance === "perceptual" ? images : points;
      const shape = distance === "perceptual" ? [8, 8, 1] : [2];
      const method = objective({ denoiser, shape, loss });
      const state = method.from(random1(denoiser.structure.size));
      const x = random.normal(random.key(3), 3 * shape.reduce((a, b) => a * b));
      const run = (): { [name: string]: number } => {
        const { metrics } = method.step(state, method.batch(random.key(4), x, 5));
        return Object.fromEntries(Object.entries(metrics).map(([key, t]) => [key, t.dataSync()[0]!]));
      };
      const metrics = tf.tidy(run as never) as unknown as ReturnType<typeof run>;
      assert.ok(Object.values(metrics).every(Number.isFinite), `${distance}: ${JSON.stringify(metrics)}`);
      assert.ok(metrics.gradientNorm! > 1e-6, `${distance}: no gradient`);
      assert.equal(run(), metrics, distance);
    }
  });
}

test("curricula: published numbers, and levels that are neighbours within the range", () => {
  const reference = readJson<{ discretization_exponential: Record<string, number> }>("schedules.json");
  const exponential = exponentialCurriculum({ iterations: 400_000 });
  for (const [iteration, intervals] of Object.entries(reference.discretization_exponential))
    assert.is(exponential(Number(iteration)), intervals, iteration);
  const root = rootCurriculum({ iterations: 1000 });
  assert.equal([root(0), root(1000)], [1, 150]);
  for (const time of ["uniform", { mean: -1.1, std: 2 }] as const) {
    const draw = levelTimes({ curriculum: () => 20, time });
    const { t, r } = draw(random.key(1), 500, 0);
    const root = (level: number): number =>
      ((level ** (1 / 7) - 0.002 ** (1 / 7)) / (80 ** (1 / 7) - 0.002 ** (1 / 7))) * 20;
    for (let i = 0; i < 500; i++) {
      assert.ok(Math.abs(root(t[i]!) - root(r[i]!) - 1) < 1e-3);
      assert.ok(r[i]! > 0.00199 && t[i]! < 80.01);
    }
    // Half of the levels are below 2.5, but nine of ten log-normal times.
    const below = t.filter((level) => level < 2.6).length / 500;
    assert.ok(time === "uniform" ? below < 0.6 : below > 0.7, String(below));
  }
  const far = levelTimes({ curriculum: () => 20, time: { mean: 30, std: 1 } });
  assert.throws(() => far(random.key(1), 5, 0), /hardly ever/);
});

test("CT's target is an average of the parameters, ECT's the parameters themselves", () => {
  const config = { denoiser: points, shape: [2], loss: l2() };
  const method = ct({ s0: 2, targetDecay: 0.9 }).method({ ...config, iterations: 100 });
  const state = method.from(random1(points.structure.size));
  const batch = method.batch(random.key(1), random.normal(random.key(2), 8), 0);
  const { state: next } = method.step(state, batch);
  // One interval, two levels: mu = exp(2 ln(0.9) / 2).
  const expected = tf.add(tf.mul(state.parameters, 0.9), tf.mul(next.parameters, 0.1));
  close(next.target!, expected, 1e-5, "target");
  const moved = { ...state, target: tf.mul(state.parameters, 2) as Tensor };
  const loss = (s: typeof state): number => method.step(s, batch).metrics.loss.dataSync()[0]!;
  assert.not.equal(loss(moved), loss(state));
  assert.is(
    ect()
      .method({ ...config, iterations: 10 })
      .from(state.parameters).target,
    undefined,
  );
});

test("CD's target is the teacher's step: a consistency model of exact data has no loss", () => {
  // Data at 0: D(x, t) = 0 and f(x, t) = 0 are exact, the trajectories straight lines.
  const zero = { ...points, apply: (_: Tensor, x: Tensor) => tf.zerosLike(x) as Tensor };
  const x = normal(1, [3, 2]);
  const times = [tf.tensor1d([2, 1, 0.5]), tf.tensor1d([1, 0, 0.1])] as const;
  const step = heunStep((x) => tf.zerosLike(x), x, ...times);
  close(step, tf.mul(x, tf.tensor2d([[0.5], [0], [0.2]])), 1e-6, "a straight line, to 0 as well");
  const config = { shape: [2], loss: l2(), iterations: 10 };
  const parts = discreteParts({
    ...config,
    denoiser: points,
    teacher: { denoiser: zero, parameters: tf.zeros([1]) },
    times: continuousTimes((t) => t / 2),
  });
  const batch = parts.batch(random.key(1), new Float32Array(6), 0);
  const p = random1(points.structure.size);
  const { loss } = parts.loss(p, batch, { teacher: tf.zeros([1]) })(p);
  // With data at 0 the teacher's step is x_r itself: the same loss as from the data.
  const { teacher: _, ...fromData } = { teacher: 0, ...config };
  const plain = discreteParts({ ...fromData, denoiser: points, times: continuousTimes((t) => t / 2) });
  close(loss, plain.loss(p, batch, {})(p).loss, 1e-4, "loss");
});

test("continuous time is the limit of discrete time: gradients as t - r -> 0", () => {
  const denoiser = points;
  const config = { denoiser, shape: [2], loss: l2() };
  const p = random1(denoiser.structure.size);
  const time = { mean: 0, std: 0.5 };
  const near = discreteParts({ ...config, times: continuousTimes((t) => t * 0.998, time) });
  const batch = near.batch(random.key(1), random.normal(random.key(2), 12), 0);
  const limit = continuousParts({ ...config, normalization: false });
  const { x, noise, t, r } = batch;
  const weighted = (loss: ReturnType<typeof near.loss>): Tensor => valueAndGrad(loss, p).gradient;
  // 1/(t - r) |f - f'|^2 -> 2 <f, df/dt> per unit of 1/t: each example alone, for its own weight.
  for (let i = 0; i < 6; i++) {
    const one = (a: Tensor): Tensor => tf.slice(a, [i], [1]);
    const alone = { x: one(x), noise: one(noise), t: one(t), r: one(r), condition: {}, scalars: {} };
    const discrete = weighted(near.loss(p, alone, {}));
    const tangent = weighted(limit.loss(p, { ...alone, warmup: tf.scalar(1) }, {}));
    close(discrete, tf.mul(tangent, tf.mul(alone.t, 2)), 3e-2, `example ${i}`);
  }
});

test("warm-up: at 0 continuous training is denoising", () => {
  const config = { denoiser: points, shape: [2], loss: l2(), normalization: false } as const;
  const p = random1(points.structure.size);
  const parts = continuousParts({ ...config, warmup: 100 });
  const batch = parts.batch(random.key(1), random.normal(random.key(2), 2), 0);
  assert.is(batch.warmup.dataSync()[0], 0);
  const { gradient } = valueAndGrad(parts.loss(p, batch, {}), p);
  // Stable part: s^2/(t^2 + s^2) (e - (x - f)/t) = s^2/(t^2 + s^2) (f - x0)/t, times f and 1/t.
  const { x, noise, t } = batch;
  const skip = tf.div(0.25, tf.add(tf.square(t), 0.25));
  const denoising = tf.grad((p: tf.Tensor) => {
    const error = tf.sub(points.apply(p, edm.addNoise(x, noise, t), t), x);
    return tf.mul(tf.sum(tf.square(error)), tf.mul(0.5, tf.div(skip, tf.square(t))));
  })(p);
  close(gradient, denoising, 1e-3, "gradient");
});

test("a network's dropout masks are the same in both passes", () => {
  const seen: Tensor[] = [];
  const dropping = {
    ...points,
    drawMasks: (key: random.Key, count: number) => ({ mask: tf.tensor(random.normal(key, count)) }),
    apply: (p: Tensor, x: Tensor, t: Tensor, condition?: { masks?: { mask?: Tensor } }) => {
      seen.push(condition!.masks!.mask!);
      return points.apply(p, x, t);
    },
  };
  const method = ect().method({ denoiser: dropping, shape: [2], loss: pseudoHuber(), iterations: 10 });
  const state = method.from(random1(points.structure.size));
  method.step(state, method.batch(random.key(1), new Float32Array(8), 0));
  assert.is(seen.length, 2);
  assert.equal(Array.from(seen[0]!.dataSync()), Array.from(seen[1]!.dataSync()));
  const again = method.batch(random.key(2), new Float32Array(8), 0).condition as { masks: { mask: Tensor } };
  assert.not.equal(Array.from(again.masks.mask.dataSync()), Array.from(seen[0]!.dataSync()));
});

test("in continuous time tangents are measured in the variables of the denoiser's preconditioning", () => {
  const denoiser = trigflow(mlp({ dim: 2, width: 8, depth: 1 }));
  const losses = ([undefined, "trigflow", "edm"] as const).map((process) => {
    const method = continuous({ denoiser, shape: [2], loss: l2(), ...(process && { process }) });
    const state = method.from(random1(denoiser.structure.size));
    return method
      .step(state, method.batch(random.key(1), random.normal(random.key(2), 8), 0))
      .metrics.loss.dataSync()[0];
  });
  assert.is(losses[0], losses[1]);
  assert.not.equal(losses[0], losses[2]);
});

test("options out of range are refused", () => {
  const config = { denoiser: points, shape: [2], loss: pseudoHuber(), iterations: 10 };
  assert.throws(() => ict({ s0: 4, s1: 2 }).method(config), /invalid s1/);
  assert.throws(() => ct({ targetDecay: 1 }).method(config), /invalid targetDecay/);
  assert.throws(
    () => cd({ intervals: 0 }).method({ ...config, teacher: teacherOf(points) }),
    /invalid intervals/,
  );
  assert.throws(
    () => cd({ solver: "rk4" as "euler" }).method({ ...config, teacher: teacherOf(points) }),
    /euler or heun/,
  );
  assert.throws(() => continuous({ ...config, normalization: 0 }), /invalid normalization/);
  assert.throws(() => continuous({ ...config, process: "flow" as "edm" }), /edm or trigflow/);
  assert.throws(() => mfd({ model: phi, parameters: phiParameters }, { ramp: 5 }), /0 without beside/);
  assert.throws(() => euler(points, tf.zeros([1]), tf.zeros([1, 2]), [0.5, 1]), /invalid sigmas/);
});

test.run();
