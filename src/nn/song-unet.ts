import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { type Affine, conv2d, type Scale, silu } from "./functional.js";
import { type Leaves, normInit, xavierInit } from "./initializers.js";
import type { Condition, TimeNetwork } from "./network.js";
import { checkInput } from "./network.js";
import { resampler } from "./resample.js";
import { blockApply, blockInit, songGroups, songNorm } from "./song/block.js";
import { checkSongUnet, type SongUnetConfig } from "./song/config.js";
import { embeddingApply, embeddingInit } from "./song/embedding.js";
import { drawSongMasks } from "./song/masks.js";
import { type Part, songLayout, songParts } from "./song/parts.js";

export { ddpmpp, ncsnpp, publishedConfig, type SongUnetConfig } from "./song/config.js";

/** Of a block, a normalization or a convolution. */
type PartParameters = { readonly [name: string]: Leaves } & Affine & Scale;

/**
 * The U-Net of "Score-based generative modeling through SDEs" (2011.13456) as EDM has it (2206.00364, "SongUNet"): DDPM++, NCSN++ and what lies between. Images
 * [N, size, size, inChannels], c [N] = ln(sigma)/4, a `Condition` with class labels, augmentation labels and masks. Its parameters have the published names:
 * `importPublished(flatten(songUnet(config)), tensors)`.
 * @throws TangentLabError `invalid-argument` for an invalid configuration.
 */
export function songUnet(given: SongUnetConfig): TimeNetwork {
  const config = checkSongUnet(given);
  const resample = resampler(config.resampleFilter);
  const parts = songParts(config);

  const init = (key: Key): Tree => {
    let used = 0;
    const next = (): Key => random.foldIn(key, used++);
    const list = (parts: readonly Part[]): Tree =>
      Object.fromEntries(
        parts
          .filter((part) => part.kind !== "conv" || part.kernel > 0)
          .map((part) => [part.name, partInit(next, part)]),
      );
    return { ...embeddingInit(next, config), enc: list(parts.encoder), dec: list(parts.decoder) };
  };

  const apply = (parameters: Tree, x: Tensor, c: Tensor, condition: Condition = {}): Tensor => {
    checkInput(x, [config.size, config.size, config.inChannels]);
    const { enc, dec } = parameters as Record<"enc" | "dec", Record<string, PartParameters>>;
    const embedding = embeddingApply(parameters, c, condition, config);
    const run = (part: Part, p: PartParameters, x: Tensor): Tensor => {
      if (part.kind === "block")
        return blockApply(p, x, embedding, part.block, resample, condition.masks?.[part.path]);
      if (part.kind === "norm") return songNorm(x, p);
      if (part.role === "aux-residual") return resample.downOf((x) => conv2d(x, p), x);
      const resized = part.resample ? resample[part.resample](x) : x;
      return part.kernel === 0 ? resized : conv2d(resized, p);
    };

    const skips: Tensor[] = [];
    let h = x;
    let aux = x; // the image, or its resampled form, beside the main path
    for (const part of parts.encoder) {
      const p = enc[part.name]!;
      if (part.role === "aux-down") {
        aux = run(part, p, aux);
      } else if (part.role === "aux-skip") {
        h = skips[skips.length - 1] = tf.add(h, run(part, p, aux));
      } else if (part.role === "aux-residual") {
        h = aux = skips[skips.length - 1] = tf.mul(tf.add(h, run(part, p, aux)), Math.SQRT1_2);
      } else {
        h = run(part, p, h);
        skips.push(h);
      }
    }
    let output: Tensor | undefined;
    let normed = h;
    for (const part of parts.decoder) {
      const p = dec[part.name]!;
      if (part.role === "aux-up") {
        output = run(part, p, output!);
      } else if (part.role === "aux-norm") {
        normed = run(part, p, h);
      } else if (part.role === "aux-out") {
        const more = run(part, p, silu(normed));
        output = output ? tf.add(more, output) : more;
      } else {
        h = run(part, p, part.skip ? tf.concat([h, skips.pop()!], 3) : h);
      }
    }
    return output!;
  };

  const drops = config.dropout > 0 || (config.labelDropout > 0 && config.classes > 0);
  return {
    settings: { kind: "songUnet", ...config },
    init,
    apply,
    ...(drops && { drawMasks: (key: Key, count: number) => drawSongMasks(key, count, config, parts) }),
    published: songLayout(parts, config.resampleFilter),
  };
}

function partInit(next: () => Key, part: Part): Tree {
  if (part.kind === "block") return blockInit(next(), part.block);
  if (part.kind === "norm") {
    songGroups(part.channels); // its check
    return normInit(part.channels);
  }
  const { kernel, inputs, outputs, role } = part;
  return xavierInit(next(), [kernel, kernel, inputs, outputs], role === "aux-out" ? 1e-5 : 1);
}
