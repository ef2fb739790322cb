import { resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { type DeviceName, useDevice } from "../engine/device.js";
import * as random from "../engine/random.js";
import { check, TangentLabError } from "../errors.js";
import { decodeImage } from "../io/decode-image.js";
import { readBytes, writeFileAtomically } from "../io/files.js";
import { imageGrid } from "../io/png.js";
import type { GuidanceForm } from "../softrepa/edit-config.js";
import { edit } from "../softrepa/editing.js";
import { loadFlow } from "../softrepa/flow-file.js";
import { generate } from "../softrepa/generate.js";
import { type LoadedTokens, loadTokens } from "../softrepa/token-file.js";
import type { TextToImage } from "../softrepa/types.js";
import { checkSamples } from "./sample-command.js";

interface ModelArguments {
  model: string;
  tokens?: string;
  engine: string;
  seed: number;
  steps: number;
  out: string;
  scale: number;
}

export interface GenerateArguments extends ModelArguments {
  caption: string[];
  count: number;
  guidance: number;
  negativePrompt?: string;
  shift?: number;
  solver: string;
}

/** `tangent-lab generate`: images of captions as one PNG, a row for each caption. */
export async function generateCommand(args: GenerateArguments): Promise<void> {
  const { caption = [], count, guidance, negativePrompt = "", shift = 1, steps, solver, seed } = args;
  check(caption.length > 0, "--caption", "none", "one or more captions");
  checkSamples(count);
  const { flow, tokens } = await load(args);
  warnOfUnknownWords(flow, caption);
  const captions = caption.flatMap((each) => Array<string>(count).fill(each));
  const data = await generate(flow, {
    captions,
    tokens,
    guidance,
    negativePrompt,
    shift,
    steps,
    key: random.key(seed),
    solver: solver as "euler" | "heun",
  });
  await writeImages(args, { data, shape: [captions.length, ...flow.shape] }, count);
}

export interface EditArguments extends ModelArguments {
  image: string;
  source: string;
  target: string;
  start?: number;
  sourceGuidance: number;
  targetGuidance?: number;
  guidanceForm?: string;
  negativePrompt?: string;
  shift?: number;
  nMin?: number;
  nAvg?: number;
  frames: number;
}

/** `tangent-lab edit`: a strip as one PNG: the image, the steps between, the edited image. */
export async function editCommand(args: EditArguments): Promise<void> {
  const { image, source, target, start, steps, frames, seed } = args;
  const { sourceGuidance, targetGuidance, negativePrompt = "", shift = 1, nMin = 0, nAvg = 1 } = args;
  const guidanceForm = (args.guidanceForm ?? "softrepa") as GuidanceForm;
  const { flow, tokens } = await load(args);
  warnOfUnknownWords(flow, [source, target]);
  const images = await readImage(image, flow.shape);
  const result = await edit(flow, {
    images,
    source: [source],
    target: [target],
    steps,
    sourceGuidance,
    tokens,
    guidanceForm,
    negativePrompt,
    shift,
    nMin,
    nAvg,
    frames: Math.max(1, frames),
    key: random.key(seed),
    ...(start !== undefined && { start }),
    ...(targetGuidance !== undefined && { targetGuidance }),
  });
  const strip = tf.concat([images, ...result.frames] as tf.Tensor[], 0);
  await writeImages(args, { data: strip.dataSync() as Float32Array, shape: strip.shape }, strip.shape[0]!);
  tf.dispose([images, result.images, ...result.frames, strip] as tf.Tensor[]);
}

type Flow = ReturnType<TextToImage["freeze"]>;

async function load(args: ModelArguments): Promise<{ flow: Flow; tokens: LoadedTokens | undefined }> {
  random.key(args.seed); // its check
  check(
    Number.isInteger(args.scale) && args.scale >= 1 && args.scale <= 64,
    "--scale",
    args.scale,
    "an integer from 1 to 64",
  );
  await useDevice(args.engine as DeviceName | "auto");
  const { model, parameters } = await loadFlow(args.model);
  const { attention, layers, tokenDim, textDim } = model.network;
  const host = { name: args.model, attention, layers, dim: tokenDim, textDim };
  return {
    flow: model.freeze(parameters),
    tokens: args.tokens === undefined ? undefined : await loadTokens(args.tokens, host),
  };
}

function warnOfUnknownWords(flow: Flow, captions: readonly string[]): void {
  const unknown = flow.text.unknownWords(captions);
  if (unknown.length > 0) console.error(`words that the model does not know: ${unknown.join(", ")}`);
}

/** An image file as [1, ...shape] in [-1, 1]. */
async function readImage(path: string, shape: readonly number[]): Promise<tf.Tensor> {
  const [height, width, channels] = shape as [number, number, number];
  const image = await decodeImage(await readBytes(path), path);
  if (image.width !== width || image.height !== height || channels !== 3) {
    throw new TangentLabError("invalid-data", `${path} has the wrong size`, {
      argument: "--image",
      given: `${image.width} x ${image.height} pixels`,
      allowed: `${width} x ${height} pixels, as the model's`,
    });
  }
  return tf.tensor(
    Float32Array.from(image.data, (value) => value / 127.5 - 1),
    [1, ...shape],
  );
}

async function writeImages(
  { out, scale }: ModelArguments,
  images: { data: Float32Array; shape: readonly number[] },
  columns: number,
): Promise<void> {
  await writeFileAtomically(out, imageGrid(images, { columns, scale, gap: 2 }));
  console.log(resolve(out));
}
