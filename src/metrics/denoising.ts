import * as random from "../engine/random.js";
import { check } from "../errors.js";
import { countImages, type FeatureExtractor } from "./features.js";
import { type Gaussian, gaussian, gaussianFrechet } from "./frechet.js";

export interface DenoisingConfig {
  /** f(x, sigma) of a batch: the consistency function or denoiser that is measured. */
  denoise: (noisy: Float32Array, sigma: number) => Promise<Float32Array>;
  /** Images [count, ...shape] in [-1, 1], at least two. */
  clean: Float32Array;
  /** [height, width, channels] */
  shape: readonly number[];
  features: FeatureExtractor;
  key: random.Key;
  /** Noise levels. Default 0.2, 0.4 and 0.8. */
  sigmas?: readonly number[];
  /** Mean and covariance of the data's features. Default: those of `clean`. */
  reference?: Gaussian;
}

export interface DenoisingDistance {
  readonly sigma: number;
  /** Fréchet distance of f(x0 + sigma e, sigma) to the data. */
  readonly frechet: number;
}

/**
 * Fréchet distance per noise level ("dFID"): how far f(x0 + sigma e, sigma) is from the data, with the same noise e at every level.
 * @throws TangentLabError `invalid-argument` for levels <= 0 and images that do not fit or are not finite.
 */
export async function denoisingFrechet(config: DenoisingConfig): Promise<DenoisingDistance[]> {
  const { denoise, clean, shape, features, key, sigmas = [0.2, 0.4, 0.8] } = config;
  countImages("clean", clean, shape, 2);
  check(
    sigmas.every((sigma) => sigma > 0 && Number.isFinite(sigma)),
    "sigmas",
    sigmas,
    "finite numbers > 0",
  );
  const describe = async (images: Float32Array): Promise<Gaussian> => {
    const { values, dim } = await features(images, shape);
    return gaussian(values, { dim });
  };
  const reference = config.reference ?? (await describe(clean));
  const noise = random.normal(key, clean.length);
  const distances: DenoisingDistance[] = [];
  for (const sigma of sigmas) {
    const denoised = await denoise(
      clean.map((value, i) => value + sigma * noise[i]!),
      sigma,
    );
    distances.push({ sigma, frechet: gaussianFrechet(await describe(denoised), reference) });
  }
  return distances;
}
