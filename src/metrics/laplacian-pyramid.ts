import { reflect } from "../io/resample.js";

/** An image, row by row, channels last. */
export interface Level {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly values: Float32Array;
}

/** Burt and Adelson's filter. */
const FILTER = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16];

/** Both axes of an image through one filter each: `taps(i, size)` lists the positions along an axis of `size` that output i reads, with weights. */
function filtered(
  { height, width, channels, values }: Level,
  outHeight: number,
  outWidth: number,
  taps: (i: number, size: number) => readonly (readonly [number, number])[],
): Level {
  const rows = new Float32Array(outHeight * width * channels);
  for (let i = 0; i < outHeight; i++) {
    for (const [from, weight] of taps(i, height)) {
      const [to, at] = [i * width * channels, from * width * channels];
      for (let k = 0; k < width * channels; k++) rows[to + k]! += weight * values[at + k]!;
    }
  }
  const out = new Float32Array(outHeight * outWidth * channels);
  for (let j = 0; j < outWidth; j++) {
    for (const [from, weight] of taps(j, width)) {
      for (let i = 0; i < outHeight; i++) {
        const [to, at] = [(i * outWidth + j) * channels, (i * width + from) * channels];
        for (let c = 0; c < channels; c++) out[to + c]! += weight * rows[at + c]!;
      }
    }
  }
  return { height: outHeight, width: outWidth, channels, values: out };
}

/** Half the height and width, which are even: filtered, every second pixel. Borders are mirrors. */
export const halved = (image: Level): Level =>
  filtered(image, image.height / 2, image.width / 2, (i, size) =>
    FILTER.map((weight, k) => [reflect(2 * i + k - 2, size), weight]),
  );

/** Twice the height and width: zeros between the pixels, filtered, four times as bright. */
export const doubled = (image: Level): Level =>
  filtered(image, 2 * image.height, 2 * image.width, (i, size) =>
    FILTER.map((weight, k) => [reflect(i + k - 2, 2 * size), 2 * weight] as const)
      .filter(([at]) => at % 2 === 0)
      .map(([at, weight]) => [at / 2, weight]),
  );

const difference = (a: Level, b: Level): Level => ({
  ...a,
  values: a.values.map((value, i) => value - b.values[i]!),
});

/**
 * Laplacian pyramid (Burt and Adelson 1983): what an image has beyond its own half size, level by level, and last what is left, the image at the lowest
 * resolution. All of them, doubled and added from the last to the first, are the image.
 * @param levels Number of levels; height and width are divisible by 2^(levels - 1).
 */
export function laplacianPyramid(image: Level, levels: number): Level[] {
  if (levels === 1) return [image];
  const half = halved(image);
  return [difference(image, doubled(half)), ...laplacianPyramid(half, levels - 1)];
}
