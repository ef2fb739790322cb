import * as v from "valibot";
import { check, TangentLabError } from "../errors.js";
import { holdsNo, metadataJson } from "../io/metadata.js";
import { isFolder, readPart, readWeights } from "../io/model-folder.js";
import { readSafetensors, sizeOf, writeSafetensors } from "../io/safetensors.js";
import { ofFile } from "../nn/of-file.js";
import { exportPublished, importPublished } from "../nn/published.js";
import { type CrossUnetConfig, crossUnet } from "./cross-unet.js";
import { fromDiffusers, type JointTransformerConfig, jointTransformer } from "./joint-transformer.js";
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
 * Reads what `saveFlow` has written; or a folder as diffusers writes it, of Stable Diffusion 3's transformer (SD3Transformer2DModel) or of its pipeline, in which the transformer
 * alone is read: captions and latents are embedded and decoded elsewhere.
 * @param path A file, or a folder.
 * @param text The text encoder of a model that was trained with embeddings from outside, which are not in the file: `embeddedText` or `readEmbeddings`. A folder needs it.
 * @throws TangentLabError `file-system`, also for a folder without config.json or weights; `corrupt-file`; `invalid-data` naming a tensor that does not fit the configuration;
 * `invalid-argument` without `text` where it is needed, and for a folder's setting that is not supported.
 */
export async function loadFlow(path: string, text?: TextEncoder): Promise<Flow> {
  if (await isFolder(path)) return readTransformer(path, text);
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

const networks = {
  SD3Transformer2DModel: true,
  UNet2DModel: "SD3Transformer2DModel; diffusion.loadDenoiser(folder) reads this one",
} as const;

async function readTransformer(path: string, text: TextEncoder | undefined): Promise<Flow> {
  check(text !== undefined, "text", text, "what embeds the captions: embeddedText(...), readEmbeddings(...)");
  const { folder, config } = await readPart(path, "transformer", networks);
  const tensors = await readWeights(folder);
  const model = ofFile(config, sizeOf(tensors), () =>
    textToImage(jointTransformer(fromDiffusers(config)), text),
  );
  const named = Object.entries(tensors).map(([name, array]) => [`transformer.${name}`, array] as const);
  return { ...model.freeze(importPublished(model, Object.fromEntries(named))), model };
}

const encoderOf = ({ words, ...sizes }: TextSettings): TextEncoder =>
  textEncoder({ ...sizes, vocabulary: vocabulary(words) });
