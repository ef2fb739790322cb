import type * as random from "../engine/random.js";
import { check, required } from "../errors.js";
import { countExamples } from "../loop/data.js";
import { bootstrap, type Interval } from "./bootstrap.js";
import type { FeatureExtractor } from "./features.js";
import { squaredDistance } from "./pairs.js";

/** Options of `pairedDistance`. */
export interface PairedDistanceConfig {
  /** Of one example: [height, width, channels], of points [dim]. */
  shape: readonly number[];
  /** In whose features distances are taken. */
  features: FeatureExtractor;
  key: random.Key;
  /** Of the interval. Default 200. */
  resamples?: number;
}

/** How far samples are from their own targets, and from those of others. */
export interface PairedDistance {
  /** Mean Euclidean distance in the features of each sample to its own target, with its 95% interval. */
  readonly distance: Interval;
  /** The same of each sample to the target of another: what pairs have in common that have nothing to do with each other. */
  readonly mismatched: number;
}

/**
 * How far samples are from what each of them should be. Between a consistency model's f(x_T) and the end of its teacher's path from the same noise it falls to
 * 0 as the model learns the teacher's map. A distance of sets only asks for the same distribution.
 *
 * `pairedDistance((await generate(model, { seed })).values, (await generate(teacher, { seed, sampler: "heun" })).values, { shape, features, key })`
 * @param samples [count, ...shape], flat; at least four.
 * @param targets like the samples, one for each.
 * @throws TangentLabError `invalid-argument` for another number of targets, and examples that do not fit or are not finite.
 */
export async function pairedDistance(
  samples: Float32Array,
  targets: Float32Array,
  config: PairedDistanceConfig,
): Promise<PairedDistance> {
  const {
    shape,
    features,
    key,
    resamples = 200,
  } = required("config", config, "an object with shape, features and key");
  check.only("pairedDistance", config, ["shape", "features", "key", "resamples"]);
  const count = countExamples("samples", samples, shape, 4);
  check(
    countExamples("targets", targets, shape, 4) === count,
    "targets",
    targets.length,
    `${samples.length} numbers`,
  );
  check(typeof features === "function", "features", features, "networkFeatures(...), onnxFeatures(...)");
  const { values: ours, dim } = await features(samples, shape);
  const { values: theirs } = await features(targets, shape);
  const distances = (shift: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) =>
      Math.sqrt(squaredDistance(ours, i, theirs, (i + shift) % count, dim)),
    );
  const mean = (values: Float32Array): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    distance: bootstrap(mean, [distances(0)], { key, resamples }),
    mismatched: mean(distances(1)),
  };
}
