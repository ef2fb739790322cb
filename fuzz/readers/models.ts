import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { denoiser } from "../../src/diffusion/edm.js";
import { loadDenoiser, saveDenoiser } from "../../src/diffusion/model-file.js";
import { pretrained } from "../../src/diffusion/trained.js";
import * as random from "../../src/engine/random.js";
import { TangentLabError } from "../../src/errors.js";
import { encodeSafetensors } from "../../src/io/safetensors.js";
import { mlp } from "../../src/nn/mlp.js";
import type { TimeNetwork } from "../../src/nn/network.js";
import { exportPublished } from "../../src/nn/published.js";
import { songUnet } from "../../src/nn/song-unet.js";
import { unet } from "../../src/nn/unet.js";
import { crossUnet } from "../../src/softrepa/cross-unet.js";
import { loadFlow, saveFlow } from "../../src/softrepa/flow-file.js";
import { jointTransformer } from "../../src/softrepa/joint-transformer.js";
import { readEmbeddings } from "../../src/softrepa/text/embeddings.js";
import { textEncoder } from "../../src/softrepa/text/encoder.js";
import { vocabulary } from "../../src/softrepa/text/vocabulary.js";
import { textToImage } from "../../src/softrepa/text-to-image.js";
import { loadTokens, publishedHosts, saveTokens } from "../../src/softrepa/token-file.js";
import { softTokens } from "../../src/softrepa/tokens.js";
import type { VelocityNetwork } from "../../src/softrepa/types.js";
import { json, type Reader } from "../reader.js";
import { damageModel } from "../safetensors.js";
import { scoped } from "../scoped.js";

/** What `write` writes. */
async function written(write: (path: string) => Promise<void>): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-fuzz-"));
  try {
    await write(join(folder, "a"));
    return readFileSync(join(folder, "a"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function denoiserFile(network: TimeNetwork, shape: readonly number[]): Promise<Uint8Array> {
  const model = denoiser(network);
  return written((path) => saveDenoiser(path, pretrained(model, model.init(random.key(0)), { shape })));
}

const text = textEncoder({
  vocabulary: vocabulary(["a", "red", "cat"]),
  ...{ length: 4, width: 4, layers: 1, heads: 1 },
});

function flowFile(network: VelocityNetwork): Promise<Uint8Array> {
  const model = textToImage(network, text);
  return written((path) => saveFlow(path, { model, parameters: model.init(random.key(0)) }));
}

const read =
  (load: (path: string) => Promise<unknown>): Reader["read"] =>
  (bytes, folder) => {
    const path = join(folder, "a.safetensors");
    writeFileSync(path, bytes);
    return scoped(() => load(path));
  };

const pipelines = fileURLToPath(new URL("../../test/fixtures/pipelines", import.meta.url));

/** A pipeline's folder of which one JSON file is damaged. */
const partOfPipeline = (name: string, file: string): Reader => ({
  name,
  files: async () => ["consistency", "ddim"].map((each) => readFileSync(join(pipelines, each, file))),
  tokens: [...json, '"UNet2DModel"', '"DDPMScheduler"', '"AttnDownBlock2D"', '"sample_size":4096'],
  read: (bytes, folder) => {
    // The one whose class it is, or any.
    const text = Buffer.from(bytes);
    const of = text.includes("scale_shift") || text.includes("CMStochastic") ? "consistency" : "ddim";
    cpSync(join(pipelines, of), folder, { recursive: true });
    writeFileSync(join(folder, file), bytes);
    return scoped(() => loadDenoiser(folder));
  },
});

/** A snapshot of EDM's as docs/weights.md converts it. */
async function edmFile(): Promise<Uint8Array> {
  const settings = { size: 4, inChannels: 1, channels: 4, multipliers: [1], blocks: 1 };
  const model = denoiser(songUnet(settings));
  const edm = { class_name: "EDMPrecond", img_resolution: 4, img_channels: 1, model_channels: 4 };
  return encodeSafetensors(exportPublished(model, model.init(random.key(0))), {
    edm: JSON.stringify({ ...edm, channel_mult: [1], num_blocks: 1 }),
  });
}

export const models: Reader[] = [
  partOfPipeline("pipeline-config", "unet/config.json"),
  partOfPipeline("pipeline-scheduler", "scheduler/scheduler_config.json"),
  {
    name: "edm",
    files: async () => [await edmFile()],
    tokens: json,
    damage: damageModel,
    read: read(loadDenoiser),
  },
  {
    name: "denoiser",
    share: 4,
    files: async () => [
      await denoiserFile(mlp({ dim: 2, width: 4, depth: 1, frequencies: 2, classes: 3 }), [2]),
      await denoiserFile(
        unet({ size: 4, inChannels: 1, channels: 4, multipliers: [1, 1], groups: 2 }),
        [4, 4, 1],
      ),
      await denoiserFile(
        songUnet({ size: 4, inChannels: 1, channels: 4, multipliers: [1], blocks: 1, encoder: "residual" }),
        [4, 4, 1],
      ),
    ],
    tokens: [
      ...json,
      '"mlp"',
      '"unet"',
      '"songUnet"',
      '"resampleFilter":[]',
      '"depth":1e9',
      '"multipliers":[9e9]',
    ],
    damage: damageModel,
    read: read(loadDenoiser),
  },
  {
    name: "flow",
    share: 2,
    files: async () => [
      await flowFile(
        jointTransformer({
          ...{ size: 4, channels: 1, textDim: 4, pooledDim: 4, layers: 2, heads: 1, headDim: 4 },
          ...{ storedPositions: true, qkNorm: true, dualAttention: [0] },
        }),
      ),
      await flowFile(
        crossUnet({
          size: 4,
          channels: 1,
          textDim: 4,
          pooledDim: 4,
          width: 4,
          multipliers: [1, 1],
          heads: 1,
          groups: 2,
        }),
      ),
    ],
    tokens: [...json, '"attention":"cross"', '"layers":1e9', '"words":[]', '"positions":65536'],
    damage: damageModel,
    read: read(loadFlow),
  },
  {
    name: "tokens",
    share: 12,
    files: () =>
      Promise.all(
        [false, true].map((shared) => {
          const model = softTokens({
            layers: 1,
            tokens: 2,
            dim: 3,
            timeRows: 2,
            ...(shared ? {} : { textDim: 5 }),
          });
          return written((path) =>
            saveTokens(path, { model, parameters: model.init(random.key(0)) }, { shared }),
          );
        }),
      ),
    tokens: [...json, '"soft_tokens"', '"time_embedding"', '"dim"', '"textDim"'],
    damage: damageModel,
    read: read(async (path) => {
      await loadTokens(path);
      // They fit no published model, and that must be said, too.
      await loadTokens(path, publishedHosts[0]!).catch((error: unknown) => {
        if (!(error instanceof TangentLabError)) throw error;
      });
    }),
  },
  {
    name: "embeddings",
    share: 12,
    files: async () => [
      encodeSafetensors({
        tokens: { shape: [2, 3, 4], data: new Float32Array(24) },
        pooled: { shape: [2, 5], data: new Float32Array(10) },
      }),
    ],
    tokens: [...json, '"tokens"', '"pooled"', '"dtype":"I64"'],
    damage: damageModel,
    read: read((path) => readEmbeddings(["a", "b"], path)),
  },
];
