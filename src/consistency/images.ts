import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";

/** That a distance of images, called `name`, gets images. @throws TangentLabError `invalid-argument`. */
export function checkImages(x: Tensor, name: string, channels?: readonly number[]): void {
  const given = `${name}, of [${x.shape}]`;
  check(x.rank === 4, "distance", given, "a distance of points: these are no images");
  if (channels === undefined) return;
  check(channels.includes(x.shape[3]!), "distance", given, `images of ${channels.join(" or ")} channels`);
}
