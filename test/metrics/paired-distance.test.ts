import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import { type FeatureExtractor, pairedDistance } from "../../src/metrics/index.js";
import { rejection } from "../rejection.js";

const coordinates: FeatureExtractor = async (values, [dim]) => ({ values, dim: dim! });
const options = { shape: [2], features: coordinates, key: random.key(0) };

test("pairs a fixed step apart are its length apart, others as independent normal points are", async () => {
  const x = random.normal(random.key(1), 2 * 4000);
  const y = x.map((value, i) => value + [0.3, -0.4][i % 2]!);
  const { distance, mismatched } = await pairedDistance(x, y, options);
  assert.ok(Math.abs(distance.estimate - 0.5) < 1e-6);
  assert.ok(distance.high - distance.low < 1e-5);
  // |x + y| of independent normal points: sqrt(pi), a little more for the step.
  assert.ok(Math.abs(mismatched - Math.sqrt(Math.PI)) < 0.08, `${mismatched}`);
  assert.is((await pairedDistance(x, x, options)).distance.estimate, 0);
});

test("the interval is that of a mean of independent numbers; sets that are the same need not be", async () => {
  const x = random.normal(random.key(2), 2 * 900);
  const y = random.normal(random.key(3), 2 * 900);
  const { distance, mismatched } = await pairedDistance(x, y, options);
  // Rayleigh's distribution of scale sqrt 2: variance 2 (2 - pi / 2).
  const error = Math.sqrt((4 - Math.PI) / 900);
  assert.ok(Math.abs(distance.standardError / error - 1) < 0.2, `${distance.standardError} against ${error}`);
  assert.ok(Math.abs(distance.estimate - mismatched) < 4 * error);
  const features: FeatureExtractor = async (values) => ({ values: values.map((v) => 2 * v), dim: 2 });
  const twice = await pairedDistance(x, y, { ...options, features });
  assert.ok(Math.abs(twice.distance.estimate - 2 * distance.estimate) < 1e-5);
});

test("another number of targets, too few and none to compute features with are refused", async () => {
  const x = random.normal(random.key(4), 16);
  assert.is((await rejection(() => pairedDistance(x, x.slice(2), options))).argument, "targets");
  assert.is((await rejection(() => pairedDistance(x.slice(10), x, options))).argument, "samples");
  const none = { ...options, features: undefined as never };
  assert.is((await rejection(() => pairedDistance(x, x, none))).argument, "features");
});

test.run();
