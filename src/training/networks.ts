import { check } from "../errors.js";
import { imageTransformations } from "../manifold/images.js";
import { pointTransformations } from "../manifold/points.js";
import type { Transformations } from "../manifold/transformations.js";
import { type FeatureModel, mlpFeatures } from "../nn/features.js";
import { mlp } from "../nn/mlp.js";
import { flatten, type TimeNetwork } from "../nn/network.js";
import { unet } from "../nn/unet.js";
import { scaledVggBlocks, vggFeatures } from "../nn/vgg.js";
import type { TrainingData } from "./data.js";

/** Height, width and channels of a dataset of square images; undefined for points. */
export function imageShape(data: TrainingData): { size: number; channels: number } | undefined {
  const [height, width, channels] = data.shape;
  if (data.shape.length === 1) return undefined;
  check(
    data.shape.length === 3 && height === width,
    "data.shape",
    data.shape,
    "[dim] or [size, size, channels]",
  );
  return { size: height!, channels: channels! };
}

/** The network that fits the data: an MLP for points, a small U-Net for images; with `classes` it has class labels. */
export function defaultNetwork(data: TrainingData, classes = 0): TimeNetwork {
  const image = imageShape(data);
  return image
    ? unet({ size: image.size, inChannels: image.channels, classes })
    : mlp({ dim: data.shape[0]!, classes });
}

/** The transformations that fit the data, each with the given probability; default 0.15 for images and 0.5 for points. */
export function defaultTransformations(
  data: TrainingData,
  chance: { probability?: number } = {},
): Transformations {
  const image = imageShape(data);
  return image
    ? imageTransformations({ ...image, ...chance })
    : pointTransformations({ dim: data.shape[0]!, ...chance });
}

/** The feature network that fits the data: of images VGG with batch normalization, as published, scaled to their size. */
export function defaultFeatures(data: TrainingData, labels: number): FeatureModel {
  const image = imageShape(data);
  return flatten(
    image
      ? vggFeatures({
          ...{ size: image.size, inChannels: image.channels, labels },
          blocks: scaledVggBlocks(image.size),
        })
      : mlpFeatures({ dim: data.shape[0]!, labels }),
  );
}
