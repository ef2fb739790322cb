import * as random from "../engine/random.js";
import { check, required } from "../errors.js";
import { countExamples } from "../loop/data.js";
import { type Level, laplacianPyramid } from "./laplacian-pyramid.js";
import { slicedWasserstein } from "./sliced-wasserstein.js";

/** Options of `laplacianPatches`. */
export interface LaplacianPatchesConfig {
  /** [height, width, channels] of the images. */
  shape: readonly number[];
  /** Patches of each image at each level. Published are 128, for fewer images than there are here. Default 16. */
  patches?: number;
  /** Height and width of a patch. Default 7. */
  patch?: number;
  /** Least height and width of a level. Default 16, as published; for images below 32 pixels 8. */
  lowest?: number;
  /** Random directions that patches are projected on. Default 128. */
  directions?: number;
  /** Of the patches' places and the directions. Default 0: the same every time, so that values over training are comparable. */
  seed?: number;
}

/** The distance of each level of the pyramid, and their mean. */
export interface LaplacianPatchesDistance {
  /** From the finest level, the texture, to the coarsest, what the image shows. */
  readonly levels: readonly { readonly height: number; readonly width: number; readonly distance: number }[];
  /** Mean over the levels. */
  readonly mean: number;
}

/**
 * Sliced Wasserstein distance of Laplacian pyramid patches (Karras et al., 1710.10196, section 5): the mean 1-Wasserstein distance of random patches, projected
 * on random directions. Patches are of each level of the images' pyramids; each channel of a set has mean 0 and standard deviation 1. Published tables have
 * 1000 times these numbers. Needs no network; what it does not see is a difference of brightness and contrast alone.
 * @param x images, flat; so is y. The counts may differ.
 * @throws TangentLabError `invalid-argument` for images that are none or not finite and options out of range.
 */
export function laplacianPatches(
  x: Float32Array,
  y: Float32Array,
  config: LaplacianPatchesConfig,
): LaplacianPatchesDistance {
  const {
    shape,
    patches = 16,
    patch = 7,
    directions,
    seed = 0,
  } = required("config", config, "an object with shape");
  const known = ["shape", "patches", "patch", "lowest", "directions", "seed"];
  check.only("laplacianPatches", config, known);
  countExamples("x", x, shape);
  countExamples("y", y, shape);
  check(shape.length === 3, "shape", shape, "images, [height, width, channels]");
  const [height, width, channels] = shape as [number, number, number];
  const side = Math.min(height, width);
  const { lowest = Math.min(side, side < 32 ? 8 : 16) } = config;
  for (const [name, value] of Object.entries({ patches, patch, lowest }))
    check(Number.isInteger(value) && value >= 1, name, value, "an integer >= 1");
  check(lowest <= side, "lowest", lowest, `at most ${side}, the images' size`);
  check(patch <= lowest, "patch", patch, `at most ${lowest}, the lowest level's size`);
  let count = 1;
  const divides = (n: number): boolean => height % 2 ** n === 0 && width % 2 ** n === 0;
  while (divides(count) && side / 2 ** count >= lowest) count++;
  const options = { count, patch, patches, seed };
  const [ours, theirs] = [x, y].map((images) =>
    descriptors(images, { height, width, channels }, options),
  ) as [Float32Array[], Float32Array[]];
  const dim = patch * patch * channels;
  const levels = ours.map((rows, i) => ({
    height: height / 2 ** i,
    width: width / 2 ** i,
    distance: slicedWasserstein(rows, theirs[i]!, {
      dim,
      order: 1,
      seed,
      ...(directions !== undefined && { directions }),
    }),
  }));
  return { levels, mean: levels.reduce((sum, { distance }) => sum + distance, 0) / levels.length };
}

/** The patches of each level, as normalized rows of patch * patch * channels numbers. */
function descriptors(
  images: Float32Array,
  shape: Omit<Level, "values">,
  { count, patch, patches, seed }: { count: number; patch: number; patches: number; seed: number },
): Float32Array[] {
  const { channels } = shape;
  const size = shape.height * shape.width * channels;
  const total = images.length / size;
  const dim = patch * patch * channels;
  const places = Array.from({ length: count }, (_, level) => {
    const [rows, columns] = [shape.height, shape.width].map((side) => side / 2 ** level - patch + 1) as [
      number,
      number,
    ];
    // Where there are no more places than patches each is taken once.
    const all = rows * columns <= patches;
    const key = random.foldIn(random.key(seed), level);
    return {
      each: all ? rows * columns : patches,
      columns,
      at: all ? undefined : random.integers(key, total * patches, rows * columns),
    };
  });
  const out = places.map(({ each }) => new Float32Array(total * each * dim));
  for (let n = 0; n < total; n++) {
    const values = images.subarray(n * size, (n + 1) * size);
    laplacianPyramid({ ...shape, values }, count).forEach((level, i) => {
      const { each, columns, at } = places[i]!;
      for (let k = 0; k < each; k++) {
        const place = at ? at[n * each + k]! : k;
        const [top, left] = [Math.floor(place / columns), place % columns];
        for (let row = 0; row < patch; row++) {
          const from = ((top + row) * level.width + left) * channels;
          const to = (n * each + k) * dim + row * patch * channels;
          out[i]!.set(level.values.subarray(from, from + patch * channels), to);
        }
      }
    });
  }
  for (const rows of out) normalize(rows, channels);
  return out;
}

/** Mean 0 and standard deviation 1 of each channel, in place; a channel of one value becomes 0. */
function normalize(rows: Float32Array, channels: number): void {
  for (let c = 0; c < channels; c++) {
    let [sum, squares] = [0, 0];
    const count = rows.length / channels;
    for (let i = c; i < rows.length; i += channels) sum += rows[i]!;
    const mean = sum / count;
    for (let i = c; i < rows.length; i += channels) squares += (rows[i]! - mean) ** 2;
    const deviation = Math.sqrt(squares / count) || 1;
    for (let i = c; i < rows.length; i += channels) rows[i] = (rows[i]! - mean) / deviation;
  }
}
