import { colours, type RGB, type ShapeName, shapeMask, shapeNames } from "./shape-masks.js";

/** A shape of one colour and size somewhere in a square image. */
export interface SceneObject {
  colour: string;
  shape: ShapeName;
  /** Height and width in pixels. */
  size: number;
  /** Centre in pixels from the top left corner. */
  x: number;
  y: number;
}

/** What lies behind all objects: a dark grey, so that no colour is the background's. */
const background: RGB = [-0.75, -0.75, -0.75];

/** Paints objects that do not overlap onto the background: [size, size, 3] from `offset` on. */
export function paint(objects: readonly SceneObject[], size: number, out: Float32Array, offset = 0): void {
  for (let i = 0; i < size * size; i++) out.set(background, offset + 3 * i);
  for (const object of objects) {
    const colour = colours[object.colour]!;
    const mask = shapeMask(object.shape, object.size, object.x, object.y, size);
    for (let i = 0; i < size * size; i++) {
      if (mask[i] === 0) continue;
      for (let k = 0; k < 3; k++) {
        out[offset + 3 * i + k] = background[k]! + mask[i]! * (colour[k]! - background[k]!);
      }
    }
  }
}

/** A place for an object within an image, with what it means. */
export interface Place<Meaning> {
  /** Every centre that the jitter gives. */
  centres: readonly { x: number; y: number }[];
  /** Sizes of objects here, in pixels. */
  sizes: readonly number[];
  meaning: Meaning;
}

/** Which object lies where, as the nearest of all paintable ones. */
export interface Seen<Meaning> {
  colour: string;
  shape: ShapeName;
  size: number;
  meaning: Meaning;
  /** Squared distance of the image to the painting with this object, minus that to the background alone. */
  cost: number;
}

/**
 * Finds the paintable object nearest to what an image shows. A painting is background + mask (colour - background), so that its squared distance to an image is
 * -2 <d, M> + |d|^2 sum(mask^2) apart from a constant. Here d = colour - background and M = sum over pixels of mask (image - background). So one pass over the
 * masks serves all colours.
 */
export function objectFinder<Meaning>(
  places: readonly Place<Meaning>[],
  size: number,
): (image: Float32Array, offset?: number, among?: (meaning: Meaning) => boolean) => Seen<Meaning> {
  const candidates = places.flatMap(({ centres, sizes, meaning }) =>
    centres.flatMap(({ x, y }) =>
      sizes.flatMap((objectSize) =>
        shapeNames.map((shape) => {
          const mask = shapeMask(shape, objectSize, x, y, size);
          const pixels = [...mask.keys()].filter((i) => mask[i]! > 0);
          const values = pixels.map((i) => mask[i]!);
          const square = values.reduce((sum, value) => sum + value * value, 0);
          return { shape, size: objectSize, meaning, pixels, values, square };
        }),
      ),
    ),
  );
  const differences = Object.entries(colours).map(([name, colour]) => ({
    name,
    d: colour.map((value, k) => value - background[k]!) as [number, number, number],
  }));
  return (image, offset = 0, among = () => true) => {
    let best: Seen<Meaning> | undefined;
    for (const { shape, size: objectSize, meaning, pixels, values, square } of candidates) {
      if (!among(meaning)) continue;
      const M = [0, 0, 0];
      pixels.forEach((pixel, p) => {
        for (let k = 0; k < 3; k++) M[k]! += values[p]! * (image[offset + 3 * pixel + k]! - background[k]!);
      });
      for (const { name, d } of differences) {
        const cost =
          -2 * (d[0] * M[0]! + d[1] * M[1]! + d[2] * M[2]!) + (d[0] ** 2 + d[1] ** 2 + d[2] ** 2) * square;
        if (best === undefined || cost < best.cost) {
          best = { colour: name, shape, size: objectSize, meaning, cost };
        }
      }
    }
    return best!;
  };
}

/** All centres within `jitter` pixels of a point, in each direction. */
export const jittered = (x: number, y: number, jitter: number): { x: number; y: number }[] => {
  const steps = Array.from({ length: 2 * jitter + 1 }, (_, i) => i - jitter);
  return steps.flatMap((dy) => steps.map((dx) => ({ x: x + dx, y: y + dy })));
};

/** Whether a colour and a shape are kept apart in training: every colour and every shape is seen, a quarter of their pairs is not. */
export function isHeldOut(colour: string, shape: string): boolean {
  const c = Object.keys(colours).indexOf(colour);
  const s = shapeNames.indexOf(shape as ShapeName);
  return (c + 3 * s) % 4 === 0;
}

/** Every object there is: a colour and a shape. */
export const everyObject: readonly { colour: string; shape: ShapeName }[] = Object.keys(colours).flatMap(
  (colour) => shapeNames.map((shape) => ({ colour, shape })),
);
