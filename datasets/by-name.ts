import { check } from "../src/errors.js";
import type { CaptionedDataset } from "./captioned.js";
import type { Dataset } from "./dataset.js";
import { type DigitsOptions, digits } from "./digits.js";
import { embed } from "./embed.js";
import { emoji } from "./emoji.js";
import { objects } from "./objects.js";
import { pairs } from "./pairs.js";
import { circle, moons, sphere, spiral, swissRoll, torus } from "./toys.js";

export interface DatasetOptions extends DigitsOptions {
  /** Of the random frame of an embedding ("spiral-16d"). Default 0. */
  seed?: number;
}

const toys: Record<string, () => Dataset> = {
  spiral,
  circle,
  moons,
  "swiss-roll": swissRoll,
  sphere,
  torus,
};

/** Images with captions. */
const captionedSets: Record<string, () => CaptionedDataset | Promise<CaptionedDataset>> = {
  objects,
  "objects-32": () => objects({ size: 32 }),
  pairs,
  "pairs-32": () => pairs({ size: 32 }),
  emoji,
  "emoji-32": () => emoji({ size: 32 }),
  "emoji-all": () => emoji({ set: "all" }),
};

/** The names `byName` knows; each of points also with "-<D>d" at the end. */
export const names: readonly string[] = [...Object.keys(toys), "digits", ...Object.keys(captionedSets)];

/**
 * A dataset by its `name`, such as "spiral", "spiral-16d" (embedded in 16 dimensions by a frame from `seed`) or "digits".
 * @throws TangentLabError `invalid-argument` listing the known names, and what `digits` and `embed` throw.
 */
export async function byName(name: string, options: DatasetOptions = {}): Promise<Dataset> {
  const { seed = 0, ...digitsOptions } = options;
  if (Object.hasOwn(captionedSets, name)) return captionedSets[name]!();
  const [, base, dim] = /^(.*?)(?:-(\d+)d)?$/s.exec(name) as RegExpExecArray & [string, string, string?];
  const toy = Object.hasOwn(toys, base) ? toys[base] : undefined;
  check(
    name === "digits" || toy !== undefined,
    "dataset",
    name,
    `${names.join(", ")}; and those of points in more dimensions, such as "spiral-16d"`,
  );
  if (!toy) return digits(digitsOptions);
  return dim === undefined ? toy() : embed(toy(), Number(dim), seed);
}
