import * as v from "valibot";
import { type Denoiser, denoiser } from "../diffusion/edm.js";
import type { Tensor } from "../engine/tensor.js";
import { TangentLabError } from "../errors.js";
import type { Schema } from "../io/json.js";
import type { FeatureModel } from "../nn/features.js";
import { flatten, type Model } from "../nn/network.js";
import { ofFile } from "../nn/of-file.js";
import { importPublished } from "../nn/published.js";
import { publishedConfig, songUnet } from "../nn/song-unet.js";
import { type VggBlocks, vggFeatures } from "../nn/vgg.js";
import { corrupt, type Reference } from "./reference.js";

/** A network of a reference file, and its weights [P]. */
export interface Loaded<M> {
  readonly model: M;
  readonly parameters: Tensor;
}

/** A network's settings, which whoever makes the network checks. */
export const configSchema: Schema<object> = v.looseObject({});

const width = v.pipe(v.number(), v.integer(), v.minValue(1));
const blocksSchema: Schema<VggBlocks> = v.array(v.union([width, v.literal("M")]));

/** The preconditioned U-Net of the metadata's `config`; `weights("prefix.")` are its parameters. @throws TangentLabError `corrupt-file`. */
export function denoiserOf(file: Reference): { model: Denoiser; weights(prefix: string): Tensor } {
  const settings = file.json("config", configSchema);
  const model = within(file, "config", () => {
    const { network, sigmaData } = publishedConfig(settings);
    return ofFile(settings, file.size, () => denoiser(songUnet(network), { sigmaData }));
  });
  return { model, weights: (prefix) => weightsOf(file, model, prefix) };
}

/** The VGG-style feature network of the metadata's `blocks`, for images like `x` [N, H, W, C], with the weights at `prefix`. @throws TangentLabError `corrupt-file`. */
export function featuresOf(file: Reference, prefix: string, x: Tensor): Loaded<FeatureModel> {
  const blocks = file.json("blocks", blocksSchema);
  const [, height, width, inChannels] = x.shape as [number, number, number, number];
  if (height !== width) throw corrupt(file.path, `images of ${height}x${width} pixels are not square`);
  const bias = file.stored(prefix)[`layers.classifier.bias`];
  if (!bias) throw corrupt(file.path, `it has no tensor ${prefix}layers.classifier.bias`);
  const model = within(file, "blocks", () =>
    ofFile(blocks, file.size, () =>
      flatten(vggFeatures({ size: height, inChannels, labels: bias.data.length, blocks })),
    ),
  );
  return { model, parameters: weightsOf(file, model, prefix) };
}

/** The tensors that begin with `prefix` as a model's parameters [P]. @throws TangentLabError `corrupt-file`. */
export function weightsOf(
  file: Reference,
  model: Pick<Model<never[], unknown>, "structure" | "published">,
  prefix: string,
): Tensor {
  return within(file, prefix, () => importPublished(model, file.stored(prefix)));
}

/** What is wrong with a part of a file, said of the file. */
export function within<T>(file: Reference, part: string, f: () => T): T {
  try {
    return f();
  } catch (cause) {
    if (cause instanceof TangentLabError) throw corrupt(file.path, `${part}: ${cause.message}`, cause);
    throw cause;
  }
}
