import type { StoredArray } from "../../io/safetensors.js";
import type { PublishedLayout } from "../published.js";
import type { UnetBlockConfig } from "./block.js";
import type { SongUnetConfig } from "./config.js";

/** A layer of the U-Net under its published name; encoder and decoder are lists of these, run in order. */
export type Part = {
  readonly name: string;
  /** The name with the list's, "enc." or "dec.", before it. */
  readonly path: string;
} & (
  | {
      readonly kind: "block";
      readonly role: "main";
      readonly block: UnetBlockConfig;
      /** Whether a skip connection from the encoder is put beside its input. */
      readonly skip: boolean;
      /** Height of its output. */
      readonly side: number;
    }
  | { readonly kind: "norm"; readonly role: "aux-norm"; readonly channels: number }
  | {
      readonly kind: "conv";
      readonly role: "main" | "aux-down" | "aux-skip" | "aux-residual" | "aux-up" | "aux-out";
      /** Height and width of the kernel; 0 only resamples. */
      readonly kernel: 0 | 1 | 3;
      readonly inputs: number;
      readonly outputs: number;
      /** Before the convolution. */
      readonly resample?: "down" | "up";
      readonly skip: false;
    }
);

export interface Parts {
  readonly encoder: readonly Part[];
  readonly decoder: readonly Part[];
}

/** All parts of the network, in the order in which they run. */
export function songParts(config: Required<SongUnetConfig>): Parts {
  const { size, inChannels, outChannels, channels, multipliers, blocks, attentionSizes } = config;
  const { encoder: encoderType, decoder: decoderType } = config;
  const embedding = channels * config.embeddingMultiplier;
  const bottom = multipliers.length - 1;
  const side = (level: number): number => size >> level;
  const named = (list: "enc" | "dec", level: number, what: string): { name: string; path: string } => {
    const name = `${side(level)}x${side(level)}_${what}`;
    return { name, path: `${list}.${name}` };
  };
  const block = (
    list: "enc" | "dec",
    level: number,
    what: string,
    more: Omit<UnetBlockConfig, "embedding">,
    skip = false,
  ): Part => ({
    ...named(list, level, what),
    kind: "block",
    role: "main",
    block: { ...more, embedding },
    skip,
    side: side(level),
  });

  const encoder: Part[] = [];
  const skips: number[] = [];
  let width = channels;
  let auxWidth = inChannels;
  multipliers.forEach((multiplier, level) => {
    const conv = { kind: "conv", skip: false } as const;
    const at = (what: string): { name: string; path: string } => named("enc", level, what);
    if (level === 0) {
      encoder.push({ ...at("conv"), ...conv, role: "main", kernel: 3, inputs: inChannels, outputs: width });
    } else {
      const both = { inputs: width, outputs: width };
      encoder.push(block("enc", level, "down", { ...both, resample: "down", attention: false }));
      const aux = { ...conv, inputs: auxWidth, outputs: width };
      if (encoderType === "skip") {
        encoder.push(
          { ...at("aux_down"), ...aux, role: "aux-down", kernel: 0, outputs: auxWidth, resample: "down" },
          { ...at("aux_skip"), ...aux, role: "aux-skip", kernel: 1 },
        );
      } else if (encoderType === "residual") {
        encoder.push({ ...at("aux_residual"), ...aux, role: "aux-residual", kernel: 3, resample: "down" });
        auxWidth = width;
      }
    }
    skips.push(width);
    for (let i = 0; i < blocks; i++) {
      const outputs = channels * multiplier;
      const attention = attentionSizes.includes(side(level));
      encoder.push(block("enc", level, `block${i}`, { inputs: width, outputs, attention }));
      width = outputs;
      skips.push(width);
    }
  });

  const decoder: Part[] = [];
  for (let level = bottom; level >= 0; level--) {
    const both = { inputs: width, outputs: width };
    if (level === bottom) {
      decoder.push(
        block("dec", level, "in0", { ...both, attention: true }),
        block("dec", level, "in1", { ...both, attention: false }),
      );
    } else decoder.push(block("dec", level, "up", { ...both, resample: "up", attention: false }));
    for (let i = 0; i <= blocks; i++) {
      const outputs = channels * multipliers[level]!;
      const attention = i === blocks && attentionSizes.includes(side(level));
      decoder.push(
        block("dec", level, `block${i}`, { inputs: width + skips.pop()!, outputs, attention }, true),
      );
      width = outputs;
    }
    if (decoderType === "standard" && level > 0) continue;
    const conv = { kind: "conv", skip: false, outputs: outChannels } as const;
    if (level < bottom && decoderType === "skip") {
      const up = { role: "aux-up", kernel: 0, inputs: outChannels, resample: "up" } as const;
      decoder.push({ ...named("dec", level, "aux_up"), ...conv, ...up });
    }
    decoder.push(
      { ...named("dec", level, "aux_norm"), kind: "norm", role: "aux-norm", channels: width },
      { ...named("dec", level, "aux_conv"), ...conv, role: "aux-out", kernel: 3, inputs: width },
    );
  }
  return { encoder, decoder };
}

/** The published state dict of the preconditioned network: our names after "model.", and the resampling filters. */
export function songLayout({ encoder, decoder }: Parts, taps: readonly number[]): PublishedLayout {
  const sum = taps.reduce((a, b) => a + b, 0);
  const filter: StoredArray = {
    shape: [1, 1, taps.length, taps.length],
    data: Float32Array.from(taps.flatMap((a) => taps.map((b) => (a * b) / sum ** 2))),
  };
  const filters = [...encoder, ...decoder].flatMap((part) => {
    if (part.kind === "block" && part.block.resample) return [`${part.path}.conv0`, `${part.path}.skip`];
    return part.kind === "conv" && part.resample ? [part.path] : [];
  });
  return {
    name: (ours) => `model.${ours}`,
    constants: Object.fromEntries(filters.map((path) => [`model.${path}.resample_filter`, filter])),
  };
}
