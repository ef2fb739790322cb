import { check } from "../src/errors.js";
import type { Attributes } from "./captioned.js";

/**
 * A read-out by the nearest of known pictures, in squared distance over all values.
 * @param pictures each [size, size, 3] of 0 ... 255.
 * @param attributes of each picture.
 */
export function nearestPicture(
  pictures: readonly Uint8Array[],
  attributes: readonly Attributes[],
): (images: Float32Array) => Attributes[] {
  const width = pictures[0]?.length ?? 0;
  return (images) => {
    check(
      images.length > 0 && images.length % width === 0,
      "images",
      `${images.length} values`,
      `a multiple of ${width} values, those of one image`,
    );
    return Array.from({ length: images.length / width }, (_, i) => {
      const image = images.subarray(i * width, (i + 1) * width).map((value) => (value + 1) * 127.5);
      return attributes[nearest(image, pictures)]!;
    });
  };
}

/** The index of the picture nearest to an image; a picture is given up where its distance exceeds the least so far. */
function nearest(image: Float32Array, pictures: readonly Uint8Array[]): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const [index, picture] of pictures.entries()) {
    let distance = 0;
    for (let k = 0; k < image.length && distance < least; ) {
      for (const end = Math.min(k + 64, image.length); k < end; k++)
        distance += (image[k]! - picture[k]!) ** 2;
    }
    if (distance < least) {
      least = distance;
      best = index;
    }
  }
  return best;
}
