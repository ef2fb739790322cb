import { check } from "../src/errors.js";
import { imageGrid } from "../src/io/png.js";
import type { Points } from "./spec.js";
import { checkPoints } from "./validate.js";

type RGB = readonly [number, number, number];

/** ColorBrewer's RdBu ends: red and blue are told apart with any colour vision. */
const negative: RGB = [33, 102, 172];
const positive: RGB = [178, 24, 43];
/** Grey level of zero: just off the white of a page, so that a map has an edge. */
const middle = 245;

export interface PictureOptions {
  /** Images beside each other. Default: as many as make a square. */
  columns?: number;
  /** Screen pixels per pixel of an image, sharp-edged. Default 4. */
  scale?: number;
  /** Shows the mean over channels as red (positive), near-white (0) and blue (negative), each image scaled by its own largest magnitude. */
  signed?: boolean;
}

/**
 * Images in a grid, as a PNG in a data URI.
 * @param images [count, height, width, channels], 1 channel (grey) or 3 (RGB), in [-1, 1]; values beyond are clipped.
 * @throws TangentLabError `invalid-argument` for other shapes and values that are not finite.
 */
export function pictureURI(images: Points, options: PictureOptions = {}): string {
  const { signed = false, scale = 4, columns } = options;
  checkImages("images", images);
  const shown = signed ? redBlue(images) : images;
  const data = Float32Array.from(shown.values);
  const layout = {
    scale,
    gap: images.shape[0]! > 1 ? Math.min(scale, 2) : 0,
    ...(columns === undefined ? {} : { columns }),
  };
  return `data:image/png;base64,${imageGrid({ data, shape: shown.shape }, layout).toString("base64")}`;
}

export function checkImages(argument: string, images: Points): void {
  checkPoints(argument, images, ["count", "height", "width", "channels"]);
  const channels = images.shape[3];
  check(channels === 1 || channels === 3, `${argument}.shape`, images.shape, "1 channel (grey) or 3 (RGB)");
}

/** Signed images as RGB images in [-1, 1]. */
function redBlue({ shape, values }: Points): Points {
  const [count, height, width, channels] = shape as [number, number, number, number];
  const pixels = height * width;
  const rgb = new Float32Array(count * pixels * 3);
  for (let i = 0; i < count; i++) {
    const mean = Array.from({ length: pixels }, (_, p) => {
      let sum = 0;
      for (let k = 0; k < channels; k++) sum += values[(i * pixels + p) * channels + k]!;
      return sum / channels;
    });
    const largest = mean.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    for (const [p, value] of mean.entries()) {
      const end = value < 0 ? negative : positive;
      for (let k = 0; k < 3; k++) {
        const level = middle + ((end[k]! - middle) * Math.abs(value)) / largest;
        rgb[(i * pixels + p) * 3 + k] = level / 127.5 - 1;
      }
    }
  }
  return { shape: [count, height, width, 3], values: rgb };
}
