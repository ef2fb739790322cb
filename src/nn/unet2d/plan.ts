import type { PublishedLayout } from "../published.js";
import { type CompleteUnet2d, downBlocks, plainName, sidesOf, upBlocks } from "./config.js";

/** A residual block. */
export interface ResnetPlan {
  /** Its published name, by which its dropout mask is known. */
  readonly path: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly resample?: "down" | "up";
  /** Height and width of its output. */
  readonly sides: readonly [number, number];
  /** By which its sum is divided. */
  readonly divisor: number;
}

/** Self-attention behind a residual block. */
export interface AttentionPlan {
  readonly channels: number;
  readonly heads: number;
  /** Of the group normalization before it, if there is one. */
  readonly groups: number | undefined;
  readonly divisor: number;
}

/** A level on the way down or up, or the middle. */
export interface LevelPlan {
  readonly resnets: readonly ResnetPlan[];
  /** Behind each of the first of these blocks. */
  readonly attentions: readonly AttentionPlan[];
  /** What halves or doubles at its end: a convolution, or another residual block. */
  readonly resample?: "conv" | ResnetPlan;
}

export interface Unet2dPlan {
  readonly down: readonly LevelPlan[];
  readonly middle: LevelPlan | undefined;
  readonly up: readonly LevelPlan[];
}

/** All blocks of the network, in the order in which they run. */
export function unet2dPlan(config: CompleteUnet2d): Unet2dPlan {
  const { block_out_channels: widths, layers_per_block: layers, norm_num_groups: groups } = config;
  const { attention_head_dim: head, mid_block_scale_factor: scale } = config;
  const bottom = widths.length - 1;
  const sides = (level: number): [number, number] => {
    const [height, width] = sidesOf(config);
    return [height / 2 ** level, width / 2 ** level];
  };
  const attention = (channels: number, divisor = 1, own: number | undefined = groups): AttentionPlan => ({
    channels,
    heads: head === null ? 1 : channels / head,
    groups: own,
    divisor,
  });
  const kindOf = (name: "downsample_type" | "upsample_type" | "conv" | "resnet"): "conv" | "resnet" =>
    name === "conv" || name === "resnet" ? name : (config[name] ?? "conv");

  const down = widths.map((outputs, level): LevelPlan => {
    const kind = downBlocks[plainName(config.down_block_types[level]) as keyof typeof downBlocks];
    const path = `down_blocks.${level}`;
    const before = widths[Math.max(0, level - 1)]!;
    const both = { inputs: outputs, outputs, divisor: 1 };
    const end = {
      ...both,
      path: `${path}.downsamplers.0`,
      resample: "down",
      sides: sides(level + 1),
    } as const;
    return {
      resnets: Array.from({ length: layers }, (_, i) => ({
        ...{ path: `${path}.resnets.${i}`, inputs: i === 0 ? before : outputs, outputs },
        ...{ sides: sides(level), divisor: 1 },
      })),
      attentions: kind.attention ? Array.from({ length: layers }, () => attention(outputs)) : [],
      ...(level < bottom && { resample: kindOf(kind.resample) === "conv" ? "conv" : end }),
    };
  });

  const last = widths[bottom]!;
  const inMiddle = (i: number): ResnetPlan => ({
    ...{ path: `mid_block.resnets.${i}`, inputs: last, outputs: last },
    ...{ sides: sides(bottom), divisor: scale },
  });
  const own = config.resnet_time_scale_shift === "default" ? groups : undefined;
  const middle: LevelPlan = {
    resnets: [inMiddle(0), inMiddle(1)],
    attentions: config.add_attention
      ? [{ ...attention(last, scale), groups: config.attn_norm_num_groups ?? own }]
      : [],
  };

  const up = widths.map((_, i): LevelPlan => {
    const level = bottom - i;
    const kind = upBlocks[plainName(config.up_block_types[i]) as keyof typeof upBlocks];
    const path = `up_blocks.${i}`;
    const outputs = widths[level]!;
    const below = widths[Math.min(bottom, level + 1)]!;
    const above = widths[Math.max(0, level - 1)]!;
    const both = { inputs: outputs, outputs, divisor: 1 };
    const end = { ...both, path: `${path}.upsamplers.0`, resample: "up", sides: sides(level - 1) } as const;
    return {
      resnets: Array.from({ length: layers + 1 }, (_, j) => ({
        path: `${path}.resnets.${j}`,
        // What comes from below, and what the way down has left.
        inputs: (j === 0 ? below : outputs) + (j === layers ? above : outputs),
        ...{ outputs, sides: sides(level), divisor: 1 },
      })),
      attentions: kind.attention ? Array.from({ length: layers + 1 }, () => attention(outputs)) : [],
      ...(level > 0 && { resample: kindOf(kind.resample) === "conv" ? "conv" : end }),
    };
  });
  return { down, middle: config.mid_block_type === null ? undefined : middle, up };
}

/** Names that attention had in state dicts before diffusers 0.12, and has now. */
const formerNames = { query: "to_q", key: "to_k", value: "to_v", proj_attn: "to_out.0" } as const;

/** Our names are the published ones. */
export const unet2dLayout: PublishedLayout = {
  name: (ours) => ours,
  current: (theirs) =>
    theirs.replace(
      /(attentions\.\d+)\.(query|key|value|proj_attn)\./,
      (_, before: string, former: keyof typeof formerNames) => `${before}.${formerNames[former]}.`,
    ),
};
