import { check, required, TangentLabError } from "../../errors.js";

/** Options of `jointTransformer`. */
export interface JointTransformerConfig {
  /** Height and width of the images it is made for, a multiple of `patch`; it takes other multiples, up to `positions` patches a side. */
  size: number;
  /** Channels of the images. */
  channels: number;
  /** Dimension of the text encoder's tokens. */
  textDim: number;
  /** Dimension of the text encoder's pooled vector. */
  pooledDim: number;
  /** Height and width of a patch, which is one token. Default 2. */
  patch?: number;
  /** Default 6. */
  layers?: number;
  /** Default 4. */
  heads?: number;
  /** Dimension of each head; heads * headDim is the width. Default 32. */
  headDim?: number;
  /** Height and width of the table of positions, of which the middle is used; in patches. Default size / patch. */
  positions?: number;
  /**
   * The table of positions is one of the weights, `pos_embed.pos_embed`, as in diffusers' state dicts: a given table is taken as it is, and never trained. Else it
   * is computed. Default false.
   */
  storedPositions?: boolean;
  /** Root mean square normalization of queries and keys, per head, as in SD 3.5. Default false. */
  qkNorm?: boolean;
  /** Layers, from 0 on, in which image tokens also attend to each other alone, as the first 13 of SD 3.5 medium. Default none. */
  dualAttention?: readonly number[];
}

export type JointConfig = Required<JointTransformerConfig> & {
  /** heads * headDim. */
  readonly width: number;
};

const configOptions = [
  "size",
  "channels",
  "textDim",
  "pooledDim",
  "patch",
  "layers",
  "heads",
  "headDim",
  "positions",
  "storedPositions",
  "qkNorm",
  "dualAttention",
  "width",
];

/** The configuration with its defaults. @throws TangentLabError `invalid-argument` for an invalid one. */
export function checkJoint(given: JointTransformerConfig): JointConfig {
  required("given", given, "an object with size, channels, textDim and pooledDim");
  const { size, patch = 2, layers = 6, heads = 4, headDim = 32, qkNorm = false } = given;
  const { channels, textDim, pooledDim, storedPositions = false, dualAttention = [] } = given;
  check.only("jointTransformer", given, configOptions);
  for (const [name, value] of Object.entries({ storedPositions, qkNorm })) check.flag(name, value);
  const counts = { size, channels, textDim, pooledDim, patch, layers, heads, headDim };
  for (const [name, value] of Object.entries(counts)) check.count(name, value);
  check(size % patch === 0, "size", size, `a multiple of the patch size, ${patch}`);
  const { positions = size / patch } = given;
  check(
    Number.isInteger(positions) && positions >= size / patch,
    "positions",
    positions,
    `an integer >= ${size / patch}, the patches of a side`,
  );
  const width = heads * headDim;
  check(width % 4 === 0, "headDim", headDim, "heads * headDim divisible by 4: sines and cosines of two axes");
  const known = (layer: number): boolean => Number.isInteger(layer) && layer >= 0 && layer < layers;
  check(
    Array.isArray(dualAttention) &&
      dualAttention.every(known) &&
      new Set(dualAttention).size === dualAttention.length,
    "dualAttention",
    dualAttention,
    `a list of layers, each once, from 0 to ${layers - 1}`,
  );
  return { ...counts, positions, storedPositions, qkNorm, dualAttention, width };
}

/**
 * Configuration of diffusers' SD3Transformer2DModel, as its config.json has it.
 * @throws TangentLabError `invalid-argument` naming what is missing or not supported.
 */
export function fromDiffusers(published: unknown): JointTransformerConfig {
  required("published", published, "an object: the content of config.json");
  const c = published as Readonly<Record<string, unknown>>;
  const wrong = (name: string, allowed: string): TangentLabError =>
    new TangentLabError("invalid-argument", `the configuration's ${name} is not supported`, {
      argument: name,
      given: c[name],
      allowed,
    });
  const count = (name: string): number => {
    if (typeof c[name] !== "number") throw wrong(name, "a number");
    return c[name];
  };
  const width = count("num_attention_heads") * count("attention_head_dim");
  if (c.caption_projection_dim !== width)
    throw wrong("caption_projection_dim", `${width}, heads x dimension of a head`);
  if (c.out_channels != null && c.out_channels !== c.in_channels)
    throw wrong("out_channels", "as in_channels");
  const layers = count("num_layers");
  const dual = c.dual_attention_layers ?? [];
  const known = (layer: unknown): boolean =>
    Number.isInteger(layer) && 0 <= (layer as number) && (layer as number) < layers;
  if (!Array.isArray(dual) || !dual.every(known))
    throw wrong("dual_attention_layers", `a list of layers from 0 to ${layers - 1}`);
  if (c.qk_norm != null && c.qk_norm !== "rms_norm") throw wrong("qk_norm", '"rms_norm" or null');
  return {
    size: count("sample_size"),
    channels: count("in_channels"),
    textDim: count("joint_attention_dim"),
    pooledDim: count("pooled_projection_dim"),
    patch: count("patch_size"),
    layers,
    heads: count("num_attention_heads"),
    headDim: count("attention_head_dim"),
    positions: count("pos_embed_max_size"),
    storedPositions: true,
    qkNorm: c.qk_norm === "rms_norm",
    dualAttention: dual as number[],
  };
}
