import * as v from "valibot";
import { check, TangentLabError } from "../errors.js";
import { holdsNo, metadataJson } from "../io/metadata.js";
import { readSafetensors, sizeOf, writeSafetensors } from "../io/safetensors.js";
import { ofFile } from "../nn/of-file.js";
import { exportPublished, importPublished } from "../nn/published.js";
import { type CrossUnetConfig, crossUnet } from "./cross-unet.js";
import { type JointTransformerConfig, jointTransformer } from "./joint-transformer.js";
import { type TextSettings, textEncoder } from "./text/encoder.js";
import { vocabulary } from "./text/vocabulary.js";
import { textToImage } from "./text-to-image.js";
import type { Flow, TextEncoder, TextToImage, VelocityNetwork } from "./types.js";

const networkSchema = v.looseObject({ attention: v.optional(v.string()) });
const size = v.number();
const textSchema = v.object({
  words: v.array(v.string()),
  length: size,
  width: size,
  layers: size,
  heads: size,
});

/**
 * Writes a text-to-image model as one safetensors file: weights under "transformer." (with diffusers' names behind it) and "text_encoder.", the configuration and
 * the vocabulary as JSON in the metadata. Soft tokens are a file of their own, see `saveTokens`.
 * @throws TangentLabError `file-system`.
 */
export async function saveFlow(
  path: string,
  { model, parameters }: Pick<Flow, "model" | "parameters">,
): Promise<void> {
  const { network, text } = model;
  await writeSafetensors(path, exportPublished(model, parameters), {
    network: JSON.stringify({ attention: network.attention, ...network.settings }),
    ...(text.settings && { text: JSON.stringify(text.settings) }),
  });
}

/**
 * Reads what `saveFlow` has written.
 * @param text The text encoder of a model that was trained with embeddings from outside, which are not in the file.
 * @throws TangentLabError `file-system`, `corrupt-file`; `invalid-data` naming a tensor that does not fit the configuration; `invalid-argument` without `text` where it is needed.
 */
export async function loadFlow(path: string, text?: TextEncoder): Promise<Flow> {
  const { tensors, metadata } = await readSafetensors(path);
  const corrupt = holdsNo("text-to-image model", path);
  const { attention, ...rest } = metadataJson(metadata, "network", networkSchema, corrupt);
  const settings = rest as object as JointTransformerConfig & CrossUnetConfig; // which check them
  check(
    metadata.text !== undefined || text !== undefined,
    "text",
    text,
    "the text encoder it was trained with",
  );
  let model: TextToImage;
  try {
    const own = text === undefined ? metadataJson(metadata, "text", textSchema, corrupt) : undefined;
    const network = (): VelocityNetwork =>
      attention === "cross" ? crossUnet(settings) : jointTransformer(settings);
    model = ofFile([rest, own], sizeOf(tensors), () => textToImage(network(), text ?? encoderOf(own!)));
  } catch (cause) {
    if (cause instanceof TangentLabError && cause.code === "corrupt-file") throw cause;
    throw corrupt((cause as Error).message, cause); // settings of wrong types make no network
  }
  return { ...model.freeze(importPublished(model, tensors)), model };
}

const encoderOf = ({ words, ...sizes }: TextSettings): TextEncoder =>
  textEncoder({ ...sizes, vocabulary: vocabulary(words) });
