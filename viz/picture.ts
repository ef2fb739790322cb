import { PNG } from "pngjs";
import { check } from "../src/errors.js";
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
  checkImages("images", images);
  const [count, height, width, channels] = images.shape as [number, number, number, number];
  const { scale = 4, signed = false, columns = Math.ceil(Math.sqrt(count)) } = options;
  const gap = count > 1 ? 2 : 0;
  const stride = { x: width * scale + gap, y: height * scale + gap };
  const png = new PNG({
    width: columns * stride.x - gap,
    height: Math.ceil(count / columns) * stride.y - gap,
  });
  const size = height * width * channels;
  for (let i = 0; i < count; i++) {
    const pixels = Array.prototype.slice.call(images.values, i * size, (i + 1) * size) as number[];
    const color = signed ? diverging(pixels, channels) : shaded(pixels, channels);
    const left = (i % columns) * stride.x;
    const top = Math.floor(i / columns) * stride.y;
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const rgb = color(Math.floor(y / scale) * width + Math.floor(x / scale));
        png.data.set([...rgb, 255], 4 * ((top + y) * png.width + left + x));
      }
    }
  }
  return `data:image/png;base64,${PNG.sync.write(png, { deflateLevel: 9 }).toString("base64")}`;
}

export function checkImages(argument: string, images: Points): void {
  checkPoints(argument, images, ["count", "height", "width", "channels"]);
  const channels = images.shape[3];
  check(channels === 1 || channels === 3, `${argument}.shape`, images.shape, "1 channel (grey) or 3 (RGB)");
}

function shaded(pixels: readonly number[], channels: number): (index: number) => RGB {
  const level = (value: number): number => Math.round(Math.min(1, Math.max(0, (value + 1) / 2)) * 255);
  return (index) => {
    const at = (channel: number): number =>
      level(pixels[index * channels + Math.min(channel, channels - 1)]!);
    return [at(0), at(1), at(2)];
  };
}

function diverging(pixels: readonly number[], channels: number): (index: number) => RGB {
  const mean = Array.from({ length: pixels.length / channels }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < channels; k++) sum += pixels[i * channels + k]!;
    return sum / channels;
  });
  const largest = mean.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  return (index) => {
    const value = mean[index]! / largest;
    const end = value < 0 ? negative : positive;
    const mix = (k: 0 | 1 | 2): number => Math.round(middle + (end[k] - middle) * Math.abs(value));
    return [mix(0), mix(1), mix(2)];
  };
}
