import { PNG } from "pngjs";
import { check, required } from "../errors.js";

/** Images, row-major: shape [count, height, width, channels] or [height, width, channels], values in [-1, 1]. */
export interface Images {
  data: Float32Array;
  /** channels: 1 is grey, 3 is RGB. */
  shape: readonly number[];
}

// PNG's numbers for kinds of pixels; without the default's opaque alpha files are half as large.
const grey = 0;
const rgb = 2;

/**
 * One image as a PNG file's bytes; -1 is black, 1 is white, values beyond are clipped.
 * @param scale screen pixels per pixel, sharp-edged.
 * @throws TangentLabError `invalid-argument` for other shapes or scales.
 */
export function encodePng(image: Images, scale = 1): Buffer {
  check(image?.shape?.length === 3, "image.shape", image?.shape, "[height, width, channels]");
  return imageGrid({ ...image, shape: [1, ...image.shape] }, { columns: 1, scale });
}

/**
 * Images in a grid, row by row, as a PNG file's bytes.
 * @param options.columns default: as many as make a square.
 * @param options.scale screen pixels per pixel, sharp-edged. Default 1.
 * @param options.gap white screen pixels between images. Default 0.
 * @throws TangentLabError `invalid-argument` for other shapes or options.
 */
export function imageGrid(
  images: Images,
  options: { columns?: number; scale?: number; gap?: number } = {},
): Buffer {
  const { data, shape } = required("images", images, "an object with data and shape");
  check(Array.isArray(shape), "images.shape", shape, "[count, height, width, channels]");
  check(typeof data?.length === "number", "images.data", data, "numbers in [-1, 1]");
  const [count, height, width, channels] = shape as [number, number, number, number];
  check(
    shape.length === 4 &&
      shape.every((n) => Number.isInteger(n) && n >= 1) &&
      (channels === 1 || channels === 3),
    "images.shape",
    shape,
    "[count, height, width, channels] with 1 or 3 channels",
  );
  const size = height * width * channels;
  check(data.length === count * size, "images.data", `${data.length} values`, `${count * size} values`);
  const { columns = Math.ceil(Math.sqrt(count)), scale = 1, gap = 0 } = options;
  check.count("columns", columns);
  check(Number.isInteger(scale) && scale >= 1 && scale <= 64, "scale", scale, "an integer from 1 to 64");
  check.count("gap", gap, 0);

  const strideX = width * scale + gap;
  const strideY = height * scale + gap;
  const png = new PNG({ width: columns * strideX - gap, height: Math.ceil(count / columns) * strideY - gap });
  png.data.fill(255);
  for (let i = 0; i < count; i++) {
    const left = (i % columns) * strideX;
    const top = Math.floor(i / columns) * strideY;
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const from = i * size + (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
        const to = 4 * ((top + y) * png.width + left + x);
        for (let k = 0; k < 3; k++) png.data[to + k] = level(data[from + Math.min(k, channels - 1)]!);
      }
    }
  }
  return PNG.sync.write(png, { colorType: channels === 1 ? grey : rgb });
}

const level = (value: number): number => Math.round(Math.min(1, Math.max(0, (value + 1) / 2)) * 255);
