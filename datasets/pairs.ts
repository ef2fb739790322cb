import { required } from "../src/errors.js";
import { type Attributes, type CaptionedDataset, captioned } from "./captioned.js";
import { article, checkSize, eachImage, type ScenesOptions } from "./objects.js";
import { everyObject, isHeldOut, jittered, objectFinder, type Place, paint } from "./scenes.js";
import { colours, type ShapeName, shapeNames } from "./shape-masks.js";

/** Where the first and the second object of a relation are, in sixteenths of the image, and how to say it the other way round. */
const relations = {
  "left of": { first: [4, 8], second: [12, 8], inverse: "right of", places: ["on the left", "on the right"] },
  above: { first: [8, 4], second: [8, 12], inverse: "below", places: ["at the top", "at the bottom"] },
} as const;

type Relation = keyof typeof relations;

interface Scene {
  first: { colour: string; shape: ShapeName };
  second: { colour: string; shape: ShapeName };
  relation: Relation;
}

/** Which of the two objects of a relation. */
interface Slot {
  relation: Relation;
  role: "first" | "second";
}

const diameter = 6;

/**
 * Two objects an image, side by side or one above the other: RGB images [size, size, 3]. The attributes `colour` and `shape` are those of the
 * left or upper object, `second colour` and `second shape` those of the other one, and `relation` is "left of" or "above"; captions also say it the other
 * way round. Scenes with one of a quarter of the pairs of colour and shape are held out.
 * @throws TangentLabError `invalid-argument` for another size.
 */
export function pairs(options: ScenesOptions = {}): CaptionedDataset {
  const { size = 16 } = required("options", options);
  checkSize(size);
  const unit = size / 16;
  const names = Object.keys(relations) as Relation[];
  const centres = ({ relation, role }: Slot): { x: number; y: number }[] => {
    const [x, y] = relations[relation][role];
    return jittered(unit * x, unit * y, unit);
  };
  const slots = names.flatMap((relation) =>
    (["first", "second"] as const).map((role): Slot => ({ relation, role })),
  );
  const places = slots.map(
    (slot): Place<Slot> => ({ centres: centres(slot), sizes: [unit * diameter], meaning: slot }),
  );
  const jitters = (2 * unit + 1) ** 2;
  let find: ReturnType<typeof objectFinder<Slot>> | undefined;
  return captioned<Scene>({
    name: size === 16 ? "pairs" : `pairs-${size}`,
    shape: [size, size, 3],
    attributes: {
      colour: Object.keys(colours),
      shape: shapeNames,
      relation: names,
      "second colour": Object.keys(colours),
      "second shape": shapeNames,
    },
    scenes: everyObject.flatMap((first) =>
      everyObject.flatMap((second) => names.map((relation): Scene => ({ first, second, relation }))),
    ),
    variants: jitters ** 2,
    describe: (scene) => ({
      attributes: attributesOf(scene),
      captions: phrasings(scene),
      heldOut: [scene.first, scene.second].some(({ colour, shape }) => isHeldOut(colour, shape)),
    }),
    write: ({ first, second, relation }, variant, out, offset) => {
      const place = (role: Slot["role"], jitter: number): { x: number; y: number } =>
        centres({ relation, role })[jitter]!;
      paint(
        [
          { ...first, size: unit * diameter, ...place("first", variant % jitters) },
          { ...second, size: unit * diameter, ...place("second", Math.floor(variant / jitters)) },
        ],
        size,
        out,
        offset,
      );
    },
    // Objects of a relation do not overlap: the nearest painting is that of the nearest object in each place.
    readOut: (images) => {
      find ??= objectFinder(places, size);
      return eachImage(images, size, (offset): Attributes => {
        const scenes = names.map((relation) => {
          const [first, second] = (["first", "second"] as const).map((role) =>
            find!(images, offset, (slot) => slot.relation === relation && slot.role === role),
          ) as [ReturnType<typeof find & {}>, ReturnType<typeof find & {}>];
          return { first, second, relation, cost: first.cost + second.cost };
        });
        return attributesOf(scenes.reduce((best, scene) => (scene.cost < best.cost ? scene : best)));
      });
    },
  });
}

const attributesOf = ({ first, second, relation }: Scene): Attributes => ({
  colour: first.colour,
  shape: first.shape,
  relation,
  "second colour": second.colour,
  "second shape": second.shape,
});

function phrasings({ first, second, relation }: Scene): string[] {
  const [one, other] = [first, second].map(({ colour, shape }) => `${article(colour)} ${colour} ${shape}`);
  const { inverse, places } = relations[relation];
  return [
    `${one} ${relation} ${other}`,
    `${other} ${inverse} ${one}`,
    `${one} ${places[0]}, ${other} ${places[1]}`,
  ];
}
