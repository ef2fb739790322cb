import { finite } from "./arrays.js";
import type { Dataset } from "./dataset.js";

/** Called while a data set is read or made, with how many of its parts are done. */
export type Progress = (done: number, total: number) => void;

/** Images in memory as bytes. */
export interface StoredImages {
  name: string;
  /** [height, width, channels] */
  shape: readonly [number, number, number];
  /** [count, height, width, channels], 0 ... 255. */
  pixels: Uint8Array;
  labels?: Int32Array;
  numClasses?: number;
  classNames?: readonly string[];
}

/** A dataset of images kept as bytes, a quarter of their size as numbers; 0 ... 255 becomes -1 ... 1 batch by batch. */
export function storedImages({ pixels, ...rest }: StoredImages): Dataset {
  const width = rest.shape.reduce((a, b) => a * b, 1);
  return finite({
    ...rest,
    size: pixels.length / width,
    contents: () => [pixels],
    write: (index, out, offset) => {
      const start = index * width;
      for (let k = 0; k < width; k++) out[offset + k] = pixels[start + k]! / 127.5 - 1;
    },
  });
}
