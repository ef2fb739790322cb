import * as random from "../engine/random.js";
import { check, required } from "../errors.js";
import { countExamples } from "../loop/data.js";
import { bootstrap, type Interval } from "./bootstrap.js";
import type { FeatureExtractor } from "./features.js";
import { checkGaussian, frechetDistance, type Gaussian, gaussian, gaussianFrechet } from "./frechet.js";

/** Options of `denoisingFrechet`. */
export interface DenoisingConfig {
  /** f(x, sigma) of all noisy examples [count, ...shape]: the consistency function or denoiser that is measured. */
  denoise: (noisy: Float32Array, sigma: number) => Promise<Float32Array>;
  /** Examples [count, ...shape], images in [-1, 1]; at least four. */
  clean: Float32Array;
  /** Of one example: [height, width, channels], of points [dim]. */
  shape: readonly number[];
  features: FeatureExtractor;
  key: random.Key;
  /** Noise levels. Default 0.2, 0.4 and 0.8. */
  sigmas?: readonly number[];
  /** Mean and covariance of the data's features. Default: those of `clean`. */
  reference?: Gaussian;
  /** Of each interval. Default 200. */
  resamples?: number;
}

/** The distance at one noise level. */
export interface DenoisingDistance {
  readonly sigma: number;
  /** Fréchet distance of f(x0 + sigma e, sigma) to the data, with its 95% interval. */
  readonly frechet: Interval;
}

/**
 * Fréchet distance per noise level ("dFID"): how far f(x0 + sigma e, sigma) is from the data, with the same noise e at every level. Intervals are
 * bootstrapped (`bootstrap`'s halves); where the reference is `clean`, each example with its denoised one. `evaluate` does this for a trained model.
 * @throws TangentLabError `invalid-argument` for levels <= 0 and examples that do not fit or are not finite.
 */
export async function denoisingFrechet(config: DenoisingConfig): Promise<DenoisingDistance[]> {
  required("config", config, "an object with denoise, clean, shape, features and key");
  const {
    denoise,
    clean,
    shape,
    features,
    key,
    reference,
    sigmas = [0.2, 0.4, 0.8],
    resamples = 200,
  } = config;
  check.only("denoisingFrechet", config, [
    ...["denoise", "clean", "shape", "features", "key", "reference", "sigmas", "resamples"],
  ]);
  check.callable("denoise", denoise, "a function of the noisy examples and their level");
  check.callable("features", features, "networkFeatures(...), onnxFeatures(...)");
  if (reference !== undefined) checkGaussian("reference", reference);
  countExamples("clean", clean, shape, 4);
  check(
    Array.isArray(sigmas) &&
      sigmas.length > 0 &&
      sigmas.every((sigma) => sigma > 0 && Number.isFinite(sigma)),
    "sigmas",
    sigmas,
    "finite numbers > 0",
  );
  const noise = random.normal(key, clean.length);
  const target = reference ? undefined : await features(clean, shape);
  const distances: DenoisingDistance[] = [];
  for (const sigma of sigmas) {
    const noisy = clean.map((value, i) => value + sigma * noise[i]!);
    const { values, dim } = await features(await denoise(noisy, sigma), shape);
    const draw = { key: random.foldIn(key, 1), resamples };
    const frechet = reference
      ? bootstrap((rows) => gaussianFrechet(gaussian(rows, { dim }), reference), [values], { ...draw, dim })
      : bootstrap(
          (rows) => frechetDistance(...unpaired(rows, dim), { dim }),
          [paired(values, target!.values, dim)],
          {
            ...draw,
            dim: 2 * dim,
          },
        );
    distances.push({ sigma, frechet });
  }
  return distances;
}

/** Rows of x and y, each of `dim` numbers, one pair a row. */
function paired(x: Float32Array, y: Float32Array, dim: number): Float32Array {
  const out = new Float32Array(2 * x.length);
  for (let i = 0; i < x.length; i += dim) {
    out.set(x.subarray(i, i + dim), 2 * i);
    out.set(y.subarray(i, i + dim), 2 * i + dim);
  }
  return out;
}

function unpaired(rows: Float32Array, dim: number): [Float32Array, Float32Array] {
  const [x, y] = [new Float32Array(rows.length / 2), new Float32Array(rows.length / 2)];
  for (let i = 0; i < x.length; i += dim) {
    x.set(rows.subarray(2 * i, 2 * i + dim), i);
    y.set(rows.subarray(2 * i + dim, 2 * (i + dim)), i);
  }
  return [x, y];
}
