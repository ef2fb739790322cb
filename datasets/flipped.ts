import * as random from "../src/engine/random.js";
import { displayedDataset } from "../src/engine/self-display.js";
import { check } from "../src/errors.js";
import { fingerprintOf, once } from "../src/io/fingerprint.js";
import { isCaptioned } from "./captioned.js";
import type { Dataset } from "./dataset.js";

/**
 * A dataset of images and their mirror images, left for right, as published trainings have it (EDM's `xflip`): half of all draws are mirrored. Twice as many
 * `examples`: those from `data.size` on are the mirror images.
 * @throws TangentLabError `invalid-argument` for points, and for captioned data.
 */
export function flipped(data: Dataset): Dataset {
  const isImage = Array.isArray(data?.shape) && data.shape.length === 3 && typeof data.sample === "function";
  check(
    isImage && !isCaptioned(data),
    "data",
    data?.name ?? data,
    "a dataset of images without captions, which may say left or right",
  );
  const [height, width, channels] = data.shape as [number, number, number];
  const length = height * width * channels;
  const { size, examples, labels, fingerprint, background, manifold: _, ...rest } = data;

  /** Mirrors image i of a batch. */
  const mirror = (x: Float32Array, i: number): void => {
    for (let y = 0; y < height; y++) {
      const row = i * length + y * width * channels;
      for (let left = 0, right = width - 1; left < right; left++, right--)
        for (let c = 0; c < channels; c++) {
          const [a, b] = [row + left * channels + c, row + right * channels + c];
          const value = x[a]!;
          x[a] = x[b]!;
          x[b] = value;
        }
    }
  };
  /** Mirrors half of a batch. */
  const mirrorHalf = <B extends { x: Float32Array }>(batch: B, key: random.Key): B => {
    const coins = random.integers(key, batch.x.length / length, 2);
    for (const [i, coin] of coins.entries()) if (coin === 1) mirror(batch.x, i);
    return batch;
  };
  return displayedDataset<Dataset>({
    ...rest,
    size: 2 * size,
    ...(labels && { labels: Int32Array.from({ length: 2 * size }, (_, i) => labels[i % size]!) }),
    ...(examples && {
      examples: (indices: ArrayLike<number>) => {
        check(typeof indices?.length === "number", "indices", indices, "a list of integers");
        const list = Array.from(indices);
        list.forEach((index, i) => {
          const isThere = Number.isInteger(index) && index >= 0 && index < 2 * size;
          check(isThere, `indices[${i}]`, index, `an integer from 0 to ${2 * size - 1}`);
        });
        const x = examples(list.map((index) => index % size));
        for (const [i, index] of list.entries()) if (index >= size) mirror(x, i);
        return x;
      },
    }),
    ...(fingerprint && {
      fingerprint: once(async () => fingerprintOf([await fingerprint(), { flipped: true }])),
    }),
    sample: (key, count) => {
      const [drawKey, coinKey] = random.split(key, 2);
      return mirrorHalf(data.sample(drawKey, count), coinKey);
    },
    ...(background && {
      background: () => {
        const draws = background();
        return {
          sample: async (key: random.Key, count: number) => {
            const [drawKey, coinKey] = random.split(key, 2);
            return mirrorHalf(await draws.sample(drawKey, count), coinKey);
          },
          close: () => draws.close(),
        };
      },
    }),
  });
}
