import { setImmediate } from "node:timers/promises";
import { check, TangentLabError } from "../src/errors.js";
import { decodeImage } from "../src/io/decode-image.js";
import type { DecodedImage } from "../src/io/decoded-image.js";
import { allocate, byteLimit, type ReadLimit } from "../src/io/limits.js";
import { resample } from "../src/io/resample.js";
import type { FileState } from "./file-states.js";
import type { PictureSource, StoredPicture } from "./sources/source.js";
import type { Progress } from "./stored.js";

/** How reading many files is followed, and stopped. */
export interface ReadingOptions extends ReadLimit {
  /** Called with how many pictures are decoded, and how many there are. */
  onProgress?: Progress;
  /** Stops reading: what loads the set is then rejected with the signal's reason. */
  signal?: AbortSignal;
}

/** How pictures are made examples. */
export interface DecodeOptions extends ReadingOptions {
  /**
   * Height and width, from 4 to 1024: the largest square in the middle of each image is resized to it without aliasing. Default: images stay as they are,
   * and must all be squares of one size.
   */
  size?: number;
  /** 3 (default) is RGB, 1 is grey, the luminance of BT.601. */
  channels?: 1 | 3;
}

/** @throws TangentLabError `invalid-argument` for what is no signal, or no function. */
export function checkReadingOptions(options: ReadingOptions): void {
  const { signal, onProgress } = options;
  byteLimit(options, 0);
  const stops = signal === undefined || typeof signal?.throwIfAborted === "function";
  check(stops, "signal", signal, "an AbortSignal: new AbortController().signal");
  if (onProgress !== undefined) check.callable("onProgress", onProgress, "a function");
}

/** @throws TangentLabError `invalid-argument` for options out of range. */
export function checkDecodeOptions(options: DecodeOptions): void {
  const { size, channels = 3 } = options;
  checkReadingOptions(options);
  checkResize(size);
  check(channels === 1 || channels === 3, "channels", channels, "1 or 3");
}

/** @throws TangentLabError `invalid-argument` for a `size` out of range. */
export function checkResize(size: number | undefined): void {
  const fits = size === undefined || (Number.isInteger(size) && size >= 4 && size <= 1024);
  check(fits, "size", size, "an integer from 4 to 1024");
}

/** Some decoded pictures: [count, side, side, channels]. */
export interface DecodedBlock {
  side: number;
  pixels: Uint8Array;
}

/** Pictures decoded at the same time: as many as libuv has threads. */
const together = 4;
/** Bytes of a block, or one picture. */
const blockBytes = 2 ** 20;

/**
 * All pictures of a source, decoded, in order.
 * @param states what its files were like is added here.
 */
export async function* decodedBlocks(
  source: PictureSource,
  options: DecodeOptions,
  states: FileState[],
): AsyncGenerator<DecodedBlock> {
  const { size, channels = 3, signal, onProgress } = options;
  const limit = { ...(options.maxBytes !== undefined && { maxBytes: options.maxBytes }) };
  let side = size;
  let done = 0;
  let block = new Uint8Array(0);
  let filled = 0;
  for await (const group of groups(source.pictures(states, signal))) {
    signal?.throwIfAborted();
    // All are awaited, so that the error is that of the first picture.
    const images = await Promise.allSettled(
      group.map(({ bytes, where }) => decodeImage(bytes, where, limit)),
    );
    for (const [i, image] of images.entries()) {
      if (image.status === "rejected") throw image.reason;
      if (size === undefined) checkSize(image.value, side, group[i]!.where);
      side ??= image.value.width;
      const width = side * side * channels;
      if (block.length === 0) {
        const count = Math.min(Math.max(1, Math.floor(blockBytes / width)), source.count - done);
        block = allocate(group[i]!.where, count * width, () => new Uint8Array(count * width));
        filled = 0;
      }
      block.set(toChannels(square(image.value, side), channels), filled);
      filled += width;
      done++;
      onProgress?.(done, source.count);
      if (filled < block.length) continue;
      yield { side, pixels: block };
      block = new Uint8Array(0);
    }
    await setImmediate(); // signals have their turn
  }
}

async function* groups(pictures: AsyncIterable<StoredPicture>): AsyncGenerator<StoredPicture[]> {
  let group: StoredPicture[] = [];
  for await (const picture of pictures) {
    group.push(picture);
    if (group.length < together) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** @throws TangentLabError `invalid-data` for an image that is no square, or not of the size of those before it. */
export function checkSize(image: DecodedImage, side: number | undefined, where: string): void {
  if (image.width === image.height && image.width === (side ?? image.width)) return;
  throw new TangentLabError("invalid-data", `${where} is not of the size of the others`, {
    argument: "size",
    given: `${image.width} x ${image.height} pixels`,
    allowed: `${side === undefined ? "squares" : `${side} x ${side} pixels, as the first image`}, or a \`size\` to crop and resize all to`,
  });
}

/** The largest square in the middle, at `side` x `side`. */
export function square(image: DecodedImage, side: number): Uint8Array {
  const { width, height, data } = image;
  if (width === height && width === side) return data;
  const least = Math.min(width, height);
  const [left, top] = [Math.floor((width - least) / 2), Math.floor((height - least) / 2)];
  const crop = new Uint8Array(least * least * 3);
  for (let y = 0; y < least; y++) {
    const start = 3 * ((top + y) * width + left);
    crop.set(data.subarray(start, start + 3 * least), y * least * 3);
  }
  if (least === side) return crop;
  const raster = { data: crop, width: least, height: least, channels: 3 };
  return Uint8Array.from(resample(raster, { width: side, height: side }), Math.round);
}

/** RGB as it is, or its luminance. */
const toChannels = (rgb: Uint8Array, channels: 1 | 3): Uint8Array =>
  channels === 3
    ? rgb
    : Uint8Array.from({ length: rgb.length / 3 }, (_, i) =>
        Math.round(0.299 * rgb[3 * i]! + 0.587 * rgb[3 * i + 1]! + 0.114 * rgb[3 * i + 2]!),
      );
