import { check, required } from "../../errors.js";

/** Options of `songUnet`. */
export interface SongUnetConfig {
  /** Height and width of the images, divisible by 2^(levels - 1). */
  size: number;
  /** Channels of the images. */
  inChannels: number;
  /** Channels of the output. Default `inChannels`. */
  outChannels?: number;
  /** Channels at full resolution, before `multipliers`. Default 128. */
  channels?: number;
  /** Channels of each level as a multiple of `channels`; its length is the number of levels. Default [1, 2, 2, 2]. */
  multipliers?: readonly number[];
  /** Residual blocks per level in the encoder; the decoder has one more. Default 4. */
  blocks?: number;
  /** Heights (and widths) at which blocks have self-attention, each that of a level; the decoder's first block always has it. Default [16] where a level has 16, else none. */
  attentionSizes?: readonly number[];
  /** Probability with which a channel's pixel is dropped before the last convolution of each block, in training. Default 0.1. */
  dropout?: number;
  /** Number of classes; 0 is without. Default 0. */
  classes?: number;
  /** Probability with which an example's class is left out in training. Default 0. */
  labelDropout?: number;
  /** Number of augmentation labels; 0 is without. Default 0. */
  augmentLabels?: number;
  /** Of the noise level: fixed frequencies (DDPM++), or random ones (NCSN++). Default "positional". */
  embedding?: "positional" | "fourier";
  /** Channels of the noise embedding as a multiple of `channels`: 1 in DDPM++, 2 in NCSN++. Default 1. */
  noiseMultiplier?: number;
  /** Channels of what the blocks get as a multiple of `channels`. Default 4. */
  embeddingMultiplier?: number;
  /** How the encoder sees the smaller images themselves: not, added ("skip"), or added along with what came before ("residual", NCSN++). Default "standard". */
  encoder?: "standard" | "skip" | "residual";
  /** Whether every level of the decoder adds to the output. Default "standard", only the last. */
  decoder?: "standard" | "skip";
  /** Weights of the resampling filter: [1, 1] in DDPM++, [1, 3, 3, 1] in NCSN++. Default [1, 1]. */
  resampleFilter?: readonly number[];
}

/** DDPM++ (2011.13456) as EDM (2206.00364) has it for 32x32 images: `songUnet({ ...ddpmpp, size: 32, inChannels: 3 })`. */
export const ddpmpp = {
  embedding: "positional",
  encoder: "standard",
  decoder: "standard",
  noiseMultiplier: 1,
  resampleFilter: [1, 1],
  channels: 128,
  multipliers: [2, 2, 2],
} as const satisfies Partial<SongUnetConfig>;

/** NCSN++ (2011.13456) as EDM (2206.00364) has it for 32x32 images: `songUnet({ ...ncsnpp, size: 32, inChannels: 3 })`. */
export const ncsnpp = {
  embedding: "fourier",
  encoder: "residual",
  decoder: "standard",
  noiseMultiplier: 2,
  resampleFilter: [1, 3, 3, 1],
  channels: 128,
  multipliers: [2, 2, 2],
} as const satisfies Partial<SongUnetConfig>;

const known: readonly (keyof SongUnetConfig)[] = [
  ...(["size", "inChannels", "outChannels", "channels", "multipliers", "blocks"] as const),
  ...(["attentionSizes", "dropout", "classes", "labelDropout", "augmentLabels", "embedding"] as const),
  ...(["noiseMultiplier", "embeddingMultiplier", "encoder", "decoder", "resampleFilter"] as const),
];

/** The configuration with its defaults. @throws TangentLabError `invalid-argument`. */
export function checkSongUnet(config: SongUnetConfig): Required<SongUnetConfig> {
  required("config", config, "an object with size and inChannels");
  check.only("songUnet", config, known);
  if (config.multipliers !== undefined) check.counts("multipliers", config.multipliers);
  const all: Required<SongUnetConfig> = {
    outChannels: config.inChannels,
    channels: 128,
    multipliers: [1, 2, 2, 2],
    blocks: 4,
    attentionSizes: sides(config).filter((side) => side === 16),
    dropout: 0.1,
    classes: 0,
    labelDropout: 0,
    augmentLabels: 0,
    embedding: "positional",
    noiseMultiplier: 1,
    embeddingMultiplier: 4,
    encoder: "standard",
    decoder: "standard",
    resampleFilter: [1, 1],
    ...config,
  };
  const count = (name: keyof SongUnetConfig, least: number): void => {
    const value = all[name] as number;
    check(Number.isInteger(value) && value >= least, name, value, `an integer >= ${least}`);
  };
  for (const name of [
    "inChannels",
    "outChannels",
    "blocks",
    "noiseMultiplier",
    "embeddingMultiplier",
  ] as const)
    count(name, 1);
  for (const name of ["classes", "augmentLabels"] as const) count(name, 0);
  const { size, channels, multipliers, attentionSizes, embedding, encoder, decoder } = all;
  check(
    Number.isInteger(channels) && channels >= 4 && channels % 2 === 0,
    "channels",
    channels,
    "an even integer >= 4",
  );
  const factor = 2 ** (multipliers.length - 1);
  check(Number.isInteger(size) && size > 0 && size % factor === 0, "size", size, `a multiple of ${factor}`);
  const possible = sides(all);
  check(
    Array.isArray(attentionSizes) && attentionSizes.every((side) => possible.includes(side)),
    "attentionSizes",
    attentionSizes,
    `a list of heights of the levels: ${possible.join(", ")}`,
  );
  for (const name of ["dropout", "labelDropout"] as const)
    check(
      typeof all[name] === "number" && all[name] >= 0 && all[name] < 1,
      name,
      all[name],
      "a probability in [0, 1)",
    );
  check(["positional", "fourier"].includes(embedding), "embedding", embedding, "positional, fourier");
  check(["standard", "skip", "residual"].includes(encoder), "encoder", encoder, "standard, skip, residual");
  check(["standard", "skip"].includes(decoder), "decoder", decoder, "standard, skip");
  return all;
}

/** The levels' heights, from the images' own down. */
const sides = ({ size, multipliers = [1, 2, 2, 2] }: SongUnetConfig): number[] =>
  Array.from(multipliers, (_, level) => size / 2 ** level);

/** EDM's names of the settings, as in published checkpoints, and ours. */
const PUBLISHED: Readonly<Record<string, keyof SongUnetConfig>> = {
  img_resolution: "size",
  img_channels: "inChannels",
  in_channels: "inChannels",
  out_channels: "outChannels",
  model_channels: "channels",
  channel_mult: "multipliers",
  channel_mult_emb: "embeddingMultiplier",
  num_blocks: "blocks",
  attn_resolutions: "attentionSizes",
  dropout: "dropout",
  label_dim: "classes",
  label_dropout: "labelDropout",
  augment_dim: "augmentLabels",
  embedding_type: "embedding",
  channel_mult_noise: "noiseMultiplier",
  encoder_type: "encoder",
  decoder_type: "decoder",
  resample_filter: "resampleFilter",
};

/** Settings of the preconditioning around the network, and how it was computed. */
const AROUND = ["sigma_data", "sigma_min", "sigma_max", "use_fp16", "model_type"];

/**
 * The configuration of a published EDM network: the keyword arguments of its preconditioned network, such as { img_resolution: 32, img_channels: 3,
 * model_channels: 128, ... }. Settings that are not given have EDM's defaults.
 * @throws TangentLabError `invalid-argument` for a setting that is unknown, or another model_type than SongUNet.
 */
export function publishedConfig(settings: unknown): { network: SongUnetConfig; sigmaData: number } {
  check(
    typeof settings === "object" && settings !== null && !Array.isArray(settings),
    "config",
    settings,
    "an object of EDM's settings",
  );
  const { sigma_data = 0.5, model_type = "SongUNet" } = settings as Record<string, unknown>;
  check(model_type === "SongUNet", "config.model_type", model_type, "SongUNet");
  check(typeof sigma_data === "number" && sigma_data > 0, "config.sigma_data", sigma_data, "a number > 0");
  const network: { [Name in keyof SongUnetConfig]?: unknown } = {};
  for (const [name, value] of Object.entries(settings as Record<string, unknown>)) {
    if (AROUND.includes(name)) continue;
    check(Object.hasOwn(PUBLISHED, name), "config", name, Object.keys(PUBLISHED).join(", "));
    network[PUBLISHED[name]!] = value;
  }
  for (const name of ["multipliers", "attentionSizes", "resampleFilter"] as const)
    check(
      network[name] === undefined || Array.isArray(network[name]),
      `config: ${name}`,
      network[name],
      "a list of numbers",
    );
  // EDM takes sizes that no level has, and does nothing for them.
  const config = network as SongUnetConfig;
  if (config.attentionSizes !== undefined)
    config.attentionSizes = config.attentionSizes.filter((side) => sides(config).includes(side));
  return { network: checkSongUnet(config), sigmaData: sigma_data };
}
