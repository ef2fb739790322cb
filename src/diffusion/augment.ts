import type { Key } from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import type { Json } from "../loop/record.js";
import type { Denoiser } from "./edm.js";

/**
 * Random changes of examples while a denoiser trains, of which the network is told by labels, so that it still draws examples as they were: `manifold`'s
 * `edmAugmentation(...)`, or its `imageTransformations(...)`.
 */
export interface Augmentation {
  /** One name for each label. */
  readonly labelNames: readonly string[];
  /** On the host: the parameters for `count` examples, and their labels [count, labels], 0 where an example is not changed. `strength` is 1. */
  draw(
    key: Key,
    count: number,
    strength: number,
  ): { readonly labels: Tensor; readonly [name: string]: Tensor };
  /** x [count, ...shape] changed; tensor ops only. */
  apply(x: Tensor, draws: { readonly labels: Tensor; readonly [name: string]: Tensor }): Tensor;
  /** What it was made with, for the record of a run. */
  readonly settings?: { [name: string]: Json };
}

/** That a denoiser's network takes an augmentation's labels. @throws TangentLabError `invalid-argument`. */
export function checkAugmentation(augment: Augmentation, { settings }: Pick<Denoiser, "settings">): void {
  const draws = typeof augment?.draw === "function" && typeof augment.apply === "function";
  check(draws && Array.isArray(augment.labelNames), "augment", augment, "manifold.edmAugmentation(...)");
  const { kind = "of your own", augmentLabels = 0 } = (settings ?? {}) as {
    kind?: string;
    augmentLabels?: number;
  };
  // What a network of the user's own takes is the user's to know.
  check(
    settings === undefined || augmentLabels === augment.labelNames.length,
    "augment",
    `${augment.labelNames.length} labels for a network ${kind} with ${augmentLabels}`,
    `with a network that takes them, such as nn.songUnet({ ..., augmentLabels: ${augment.labelNames.length} })`,
  );
}
