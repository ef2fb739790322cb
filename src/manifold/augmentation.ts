import * as tf from "@tensorflow/tfjs-core";
import type { Augmentation } from "../diffusion/augment.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { inverseMaps } from "./matrices.js";
import { defaultStrengths, type ImageParameters, labelsOf } from "./parameters.js";
import { checkExamples, labelTensor, sometimes, withProbability } from "./transformations.js";
import { warp } from "./warp.js";

/** Options of `edmAugmentation`. */
export interface EdmAugmentationConfig {
  /** Height and width of images. */
  size: number;
  channels: number;
  /** Probability of each change but the mirroring left for right, whose is 1/2; in [0, 1]. Default 0.12, the published one for CIFAR-10; 0.15 for FFHQ and AFHQ. */
  probability?: number;
}

/** The labels, in the order of the published networks. */
const labelNames = [
  ...["flip x", "flip y", "scale", "rotation cos - 1", "rotation sin"],
  ...["aniso cos", "aniso sin", "shift x", "shift y"],
];

/**
 * EDM's augmentation while a denoiser trains (2206.00364, appendix F.2): images are mirrored left for right and upside down, scaled, turned, stretched along an
 * axis and moved, and the network is told how by 9 labels, so that it still draws images as they were. `diffusion.train(data, { network: nn.songUnet({ ...,
 * augmentLabels: 9 }), augment: manifold.edmAugmentation({ size: 32, channels: 3 }) })`.
 *
 * As published: mirrored exactly; scaled by 2^(0.2 w), turned by a uniform angle, stretched by 2^(0.2 w) along an axis that is horizontal or, half of the time,
 * any, moved by 0.125 w of the size, each w from a standard normal distribution; read with StyleGAN2-ADA's band-limiting filter, reflected at the borders.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function edmAugmentation(config: EdmAugmentationConfig): Augmentation {
  const {
    size,
    channels,
    probability = 0.12,
  } = required("config", config, "an object with size and channels");
  check.only("edmAugmentation", config, ["size", "channels", "probability"]);
  check.count("size", size, 2);
  check.count("channels", channels);
  const strengths = defaultStrengths(size);
  return {
    ...withProbability(probability, {
      labelNames,
      draw: (key, count, p) => {
        const keys = random.split(key, 13);
        const coin = (i: number): Float32Array =>
          random.uniform(keys[i]!, count).map((value) => (value < 0.5 ? 1 : 0));
        const half = (i: number): Float32Array => random.uniform(keys[i]!, count, -Math.PI, Math.PI);
        const some = (i: number, values: Float32Array): Float32Array => sometimes(keys[i]!, values, p);
        const flips = [coin(0), some(1, coin(2))];
        const drawn: ImageParameters = {
          scale: [some(3, random.normal(keys[4]!, count))],
          rotate_frac: [some(5, half(6))],
          aniso: [
            some(7, random.normal(keys[8]!, count)),
            sometimes(random.foldIn(keys[9]!, 0), half(9), strengths.anisoRotateProb),
          ],
          // The same key: either both are moved, or none.
          translate_frac: [
            some(10, random.normal(keys[11]!, count)),
            some(10, random.normal(keys[12]!, count)),
          ],
        };
        const columns = (["scale", "rotate_frac", "aniso", "translate_frac"] as const).flatMap((name) =>
          labelsOf(name, drawn[name]!),
        );
        return {
          flips: tf.tensor(
            Float32Array.from({ length: 2 * count }, (_, i) => flips[i % 2]![i >> 1]!),
            [count, 2],
          ),
          inverse: tf.tensor(inverseMaps(drawn, count, size, strengths), [count, 2, 3]),
          labels: labelTensor([...flips, ...columns], count),
        };
      },
      apply: (x, draws) => {
        checkExamples(x, draws, [size, size, channels]);
        const mirrored = [2, 1].reduce(
          (y, axis, i) => flippedWhere(y, axis, tf.slice(draws.flips!, [0, i], [-1, 1])),
          x,
        );
        return warp(mirrored, draws.inverse!);
      },
    }),
    settings: { kind: "edm", probability },
  };
}

/** Images [N, S, S, C] mirrored along an axis where `on` [N, 1] is 1, and as they are where it is 0. */
function flippedWhere(x: Tensor, axis: number, on: Tensor): Tensor {
  const share = tf.reshape(on, [-1, 1, 1, 1]);
  return tf.add(tf.mul(tf.reverse(x, axis), share), tf.mul(x, tf.sub(1, share)));
}
