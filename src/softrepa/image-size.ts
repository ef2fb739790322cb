import { check } from "../errors.js";

/** Heights and widths of images that a network takes besides those of its `shape`, each on its own. */
export interface ImageSizes {
  /** They are multiples of this, */
  readonly multiple: number;
  /** up to this. */
  readonly most: number;
}

/** A network's own shape of images, and which others it takes. */
export interface ImageShapes {
  /** [height, width, channels] of the images that it is made for. */
  readonly shape: readonly number[];
  /** Without it, no others. */
  readonly sizes?: ImageSizes | undefined;
}

/**
 * Checks that a network takes images [N, height, width, channels] of these sizes.
 * @throws TangentLabError `invalid-argument` naming `argument`, with what is allowed.
 */
export function checkImages(argument: string, given: readonly number[], { shape, sizes }: ImageShapes): void {
  if (`${given.slice(1)}` === `${shape}`) return;
  const [, height, width, channels] = given as [number, number, number, number];
  const fits = (side: number): boolean =>
    sizes !== undefined && side >= 1 && side % sizes.multiple === 0 && side <= sizes.most;
  const own = `[N, ${shape.join(", ")}]`;
  const { multiple = 1, most = 0 } = sizes ?? {};
  const upTo = Number.isFinite(most) ? ` up to ${most}` : "";
  check(
    given.length === 4 && channels === shape[2] && fits(height) && fits(width),
    argument,
    given,
    sizes
      ? `${own}, or other heights and widths, multiples of ${multiple}${upTo}: [N, height, width, ${shape[2]}]`
      : own,
  );
}
