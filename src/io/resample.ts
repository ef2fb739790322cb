import { check } from "../errors.js";

/** One image, row-major [height, width, channels]. */
export interface Raster {
  data: ArrayLike<number>;
  width: number;
  height: number;
  channels: number;
}

/**
 * An image at another size: bilinear, with the filter as wide as an old or a new pixel, whichever is larger, so that nothing aliases. The same as
 * Pillow's BILINEAR and PyTorch's `interpolate(mode="bilinear", antialias=True)`, without rounding.
 * @returns [to.height, to.width, channels] in the units of the image.
 * @throws TangentLabError `invalid-argument` for sizes below 1 or data that does not fit.
 */
export function resample(image: Raster, to: { width: number; height: number }): Float32Array {
  const { data, width, height, channels } = image;
  for (const [name, value] of Object.entries({ width: to.width, height: to.height }))
    check(Number.isInteger(value) && value >= 1, `to.${name}`, value, "an integer >= 1");
  check(
    data.length === width * height * channels && data.length > 0,
    "image.data",
    `${data.length} values`,
    `${height} x ${width} x ${channels} values`,
  );
  const across = triangleWeights(width, to.width);
  const down = triangleWeights(height, to.height);
  const narrow = new Float64Array(height * to.width * channels); // columns resampled, rows not yet
  for (let y = 0; y < height; y++) {
    for (const [x, { begin, values }] of across.entries()) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < values.length; k++)
          sum += values[k]! * data[(y * width + begin + k) * channels + c]!;
        narrow[(y * to.width + x) * channels + c] = sum;
      }
    }
  }
  const row = to.width * channels;
  const out = new Float32Array(to.height * row);
  for (const [y, { begin, values }] of down.entries()) {
    for (let x = 0; x < row; x++) {
      let sum = 0;
      for (let k = 0; k < values.length; k++) sum += values[k]! * narrow[(begin + k) * row + x]!;
      out[y * row + x] = sum;
    }
  }
  return out;
}

/** For each new pixel the old ones under its triangle, from `begin` on, and their weights, which sum to 1. */
function triangleWeights(from: number, to: number): { begin: number; values: Float64Array }[] {
  const scale = from / to;
  const radius = Math.max(1, scale);
  return Array.from({ length: to }, (_, pixel) => {
    const centre = (pixel + 0.5) * scale;
    const begin = Math.max(0, Math.floor(centre - radius + 0.5));
    const end = Math.min(from, Math.floor(centre + radius + 0.5));
    const values = Float64Array.from({ length: end - begin }, (_, k) =>
      Math.max(0, 1 - Math.abs(begin + k + 0.5 - centre) / radius),
    );
    const sum = values.reduce((a, b) => a + b, 0);
    return { begin, values: values.map((value) => value / sum) };
  });
}

/** The index that a position outside [0, size) is read at: borders are mirrors in the middle of the first and last element, as PyTorch's "reflect". */
export function reflect(index: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const phase = ((index % period) + period) % period;
  return Math.min(phase, period - phase);
}
