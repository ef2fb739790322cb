import * as v from "valibot";
import { check } from "../errors.js";
import type { Corrupt } from "../io/json.js";
import { metadataJson } from "../io/metadata.js";
import { type Safetensors, sizeOf } from "../io/safetensors.js";
import { ofFile } from "../nn/of-file.js";
import { importPublished } from "../nn/published.js";
import { publishedConfig, songUnet } from "../nn/song-unet.js";
import { denoiser } from "./edm.js";
import { pretrained, type TrainedDenoiser } from "./trained.js";

/** Under which name of the metadata the converter of docs/weights.md leaves an EDM network's class and settings. */
export const edmEntry = "edm";

const schema = v.looseObject({ class_name: v.string() });

/**
 * The network of an EDM snapshot that was converted as docs/weights.md has it: its state dict, and in the metadata the settings that it was made with.
 * @throws TangentLabError what `corrupt` makes; `invalid-argument` for another preconditioning than EDM's and for settings that `publishedConfig` does not know; `invalid-data` naming a
 * tensor that does not fit.
 */
export function edmModel(
  { tensors, metadata }: Safetensors,
  name: string,
  corrupt: Corrupt,
): TrainedDenoiser {
  const { class_name: kind, ...settings } = metadataJson(metadata, edmEntry, schema, corrupt);
  check(
    kind === "EDMPrecond",
    "class_name",
    kind,
    "EDMPrecond: another preconditioning is another function of the weights",
  );
  const { network, sigmaData } = publishedConfig(settings);
  const model = ofFile(settings, sizeOf(tensors), () => denoiser(songUnet(network), { sigmaData }));
  const { size, inChannels, classes = 0 } = network;
  return pretrained(model, importPublished(model, tensors), {
    ...{ shape: [size, size, inChannels], name },
    ...(classes > 0 && { classes }),
  });
}
