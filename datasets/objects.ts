import { check, required } from "../src/errors.js";
import { type Attributes, type CaptionedDataset, captioned } from "./captioned.js";
import {
  everyObject,
  isHeldOut,
  jittered,
  objectFinder,
  type Place,
  paint,
  type SceneObject,
} from "./scenes.js";
import { colours, type ShapeName, shapeNames } from "./shape-masks.js";

/** Options of `objects`. */
export interface ScenesOptions {
  /** Height and width: 16 (default) or 32. */
  size?: 16 | 32;
}

const positions = {
  left: { dx: -3, dy: 0, phrase: "on the left" },
  right: { dx: 3, dy: 0, phrase: "on the right" },
  top: { dx: 0, dy: -3, phrase: "at the top" },
  bottom: { dx: 0, dy: 3, phrase: "at the bottom" },
  centre: { dx: 0, dy: 0, phrase: "in the centre" },
} as const;

type Position = keyof typeof positions;

/** Diameters in sixteenths of the image. */
const sizes = { small: 5, large: 8 } as const;

type Size = keyof typeof sizes;

interface Scene {
  colour: string;
  shape: ShapeName;
  size: Size;
  position: Position;
}

/**
 * One object an image, of 8 colours x 6 shapes x 2 sizes x 5 positions with a jitter of a sixteenth: RGB images [size, size, 3], exact attributes
 * `colour`, `shape`, `size`, `position`. A quarter of the pairs of colour and shape is held out.
 * @throws TangentLabError `invalid-argument` for another size.
 */
export function objects(options: ScenesOptions = {}): CaptionedDataset {
  const { size = 16 } = required("options", options);
  checkSize(size);
  const unit = size / 16;
  const names = Object.keys(positions) as Position[];
  const centres = (position: Position): { x: number; y: number }[] => {
    const { dx, dy } = positions[position];
    return jittered(unit * (8 + dx), unit * (8 + dy), unit);
  };
  const scenes = everyObject.flatMap((object) =>
    (Object.keys(sizes) as Size[]).flatMap((size) =>
      names.map((position): Scene => ({ ...object, size, position })),
    ),
  );
  const places = names.map(
    (position): Place<Position> => ({
      centres: centres(position),
      sizes: Object.values(sizes).map((diameter) => unit * diameter),
      meaning: position,
    }),
  );
  let find: ReturnType<typeof objectFinder<Position>> | undefined;
  return captioned<Scene>({
    name: size === 16 ? "objects" : `objects-${size}`,
    shape: [size, size, 3],
    attributes: {
      colour: Object.keys(colours),
      shape: shapeNames,
      size: Object.keys(sizes),
      position: names,
    },
    scenes,
    variants: (2 * unit + 1) ** 2,
    describe: (scene) => ({
      attributes: { ...scene },
      captions: phrasings(scene),
      heldOut: isHeldOut(scene.colour, scene.shape),
    }),
    write: ({ colour, shape, size: name, position }, variant, out, offset) => {
      const object: SceneObject = { colour, shape, size: unit * sizes[name], ...centres(position)[variant]! };
      paint([object], size, out, offset);
    },
    readOut: (images) => {
      find ??= objectFinder(places, size);
      return eachImage(images, size, (offset): Attributes => {
        const seen = find!(images, offset);
        const name = (Object.keys(sizes) as Size[]).find((key) => unit * sizes[key] === seen.size)!;
        return { colour: seen.colour, shape: seen.shape, size: name, position: seen.meaning };
      });
    },
  });
}

function phrasings({ colour, shape, size, position }: Scene): string[] {
  const { phrase } = positions[position];
  return [
    `${article(size)} ${size} ${colour} ${shape} ${phrase}`,
    `${phrase} there is ${article(size)} ${size} ${shape} in ${colour}`,
    `${article(colour)} ${colour} ${shape}, ${size}, ${phrase}`,
  ];
}

export const article = (word: string): string => (/^[aeiou]/.test(word) ? "an" : "a");

export const checkSize = (size: number): void => check(size === 16 || size === 32, "size", size, "16 or 32");

/** Applies `read` to the offset of each image of [count, size, size, 3]. */
export function eachImage<T>(images: Float32Array, size: number, read: (offset: number) => T): T[] {
  const width = size * size * 3;
  check(
    images.length > 0 && images.length % width === 0,
    "images",
    `${images.length} values`,
    `[count, ${size}, ${size}, 3], a multiple of ${width} values`,
  );
  return Array.from({ length: images.length / width }, (_, i) => read(i * width));
}
