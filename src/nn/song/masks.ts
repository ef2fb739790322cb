import type { Key } from "../../engine/random.js";
import * as random from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import { dropoutMask } from "../dropout.js";
import type { Masks } from "../network.js";
import type { SongUnetConfig } from "./config.js";
import { CLASS_MASK } from "./embedding.js";
import type { Part, Parts } from "./parts.js";

/** Masks for `count` examples: of every block [count, side, side, channels] by its path, and of the class labels [count, 1]. */
export function drawSongMasks(
  key: Key,
  count: number,
  { dropout, labelDropout, classes }: Required<SongUnetConfig>,
  { encoder, decoder }: Parts,
): Masks {
  const masks: Record<string, Tensor> = {};
  // A label that is left out is not made up for by the others: only what is dropped within the network is.
  if (labelDropout > 0 && classes > 0)
    masks[CLASS_MASK] = dropoutMask(random.foldIn(key, 0), [count, 1], labelDropout, 1);
  if (dropout === 0) return masks;
  const blocks = [...encoder, ...decoder].filter(
    (part): part is Part & { kind: "block" } => part.kind === "block",
  );
  blocks.forEach(({ path, side, block }, i) => {
    const shape = [count, side, side, block.outputs];
    masks[path] = dropoutMask(random.foldIn(key, i + 1), shape, dropout);
  });
  return masks;
}
