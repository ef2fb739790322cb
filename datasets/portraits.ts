import { setImmediate } from "node:timers/promises";
import { createAvatar } from "@dicebear/core";
import * as pixelArt from "@dicebear/pixel-art";
import * as random from "../src/engine/random.js";
import { rasterizeSquare } from "../src/io/resvg.js";
import { cached } from "./cache.js";
import { type Attributes, type CaptionedDataset, captioned } from "./captioned.js";
import { article } from "./objects.js";
import type { Progress } from "./stored.js";
import { nearestPicture } from "./templates.js";

/** What portraits show, and how DiceBear draws it: the looks of one value are drawn evenly. */
const looks = {
  hair: {
    short: ["short22", "short17", "short16", "short11", "short09", "short03"],
    long: ["long13", "long12", "long09", "long07", "long03", "long01"],
  },
  "hair colour": {
    black: ["28150a"],
    brown: ["83623b"],
    blond: ["cab188"],
    red: ["bd1700"],
    blue: ["009bbd"],
    green: ["91cb15"],
  },
  skin: { light: ["ffdbac"], tan: ["cb9e6e"], dark: ["8d5524"] },
  clothing: { blue: ["428bca"], green: ["00b159"], red: ["d11141"], yellow: ["ffc425"], pink: ["ff6f69"] },
  glasses: {
    none: ["none"],
    glasses: ["light07", "light06", "light05"],
    sunglasses: ["dark07", "dark06", "dark05"],
  },
  hat: { none: ["none"], hat: ["variant10", "variant09", "variant08", "variant05"] },
} as const;

type Name = keyof typeof looks;
type Scene = Readonly<Record<Name, string>>;

/** What varies beside the attributes, and no caption speaks of. */
const unnamed = {
  clothing: ["variant01", "variant06", "variant09", "variant12", "variant14", "variant18"],
  eyes: ["variant01", "variant04", "variant08", "variant10", "variant12"],
  mouth: ["happy01", "happy04", "happy11", "sad01", "sad03"],
  hatColor: ["2663a3", "a62116", "614f8a"],
} as const;

const names = Object.keys(looks) as Name[];
const values = (name: Name): string[] => Object.keys(looks[name]);
const size = 16;
const width = size * size * 3;
/** Pictures of one scene, each with other looks of its values. */
const variants = 8;

/**
 * DiceBear's "pixel art" portraits (design CC0), drawn in their own size: RGB images [16, 16, 3] over white with the exact attributes `hair`, `hair
 * colour`, `skin`, `clothing`, `glasses` and `hat`. A sixth of the pairs of hair colour and clothing is held out. The read-out takes the nearest of
 * the 8,640 pictures. Drawn once, which takes some seconds, and kept in the cache folder.
 */
export async function portraits({ onProgress }: { onProgress?: Progress } = {}): Promise<CaptionedDataset> {
  const scenes = everyScene();
  const { pictures } = await cached("portraits", [pixelArt.meta, looks, unnamed, variants], async () => ({
    pictures: {
      shape: [scenes.length * variants, size, size, 3],
      data: await drawAll(scenes, onProgress),
    },
  }));
  const pixels = pictures!.data as Uint8Array;
  const picture = (i: number): Uint8Array => pixels.subarray(i * width, (i + 1) * width);
  const count = scenes.length * variants;
  return captioned<number>({
    name: "portraits",
    shape: [size, size, 3],
    attributes: Object.fromEntries(names.map((name) => [name, values(name)])),
    scenes: scenes.map((_, i) => i),
    variants,
    contents: () => [pixels],
    describe: (i) => ({
      attributes: scenes[i]!,
      captions: phrasings(scenes[i]!),
      heldOut: isHeldOut(scenes[i]!),
    }),
    write: (i, variant, out, offset) => {
      const bytes = picture(i * variants + variant);
      for (let k = 0; k < width; k++) out[offset + k] = bytes[k]! / 127.5 - 1;
    },
    readOut: nearestPicture(
      Array.from({ length: count }, (_, i) => picture(i)),
      Array.from({ length: count }, (_, i): Attributes => scenes[Math.floor(i / variants)]!),
    ),
  });
}

/** Every combination of values. */
const everyScene = (): Scene[] =>
  names.reduce<Scene[]>(
    (scenes, name) => scenes.flatMap((scene) => values(name).map((value) => ({ ...scene, [name]: value }))),
    [{} as Scene],
  );

const isHeldOut = (scene: Scene): boolean =>
  (values("hair colour").indexOf(scene["hair colour"]) + values("clothing").indexOf(scene.clothing)) % 6 ===
  0;

function phrasings(scene: Scene): string[] {
  const worn = [
    scene.glasses === "glasses" ? "glasses" : scene.glasses === "sunglasses" ? "sunglasses" : "",
    scene.hat === "hat" ? "a hat" : "",
  ].filter(Boolean);
  const wearing = worn.length > 0 ? `, wearing ${worn.join(" and ")}` : "";
  const hair = `${scene.hair} ${scene["hair colour"]} hair`;
  const clothing = `${article(scene.clothing)} ${scene.clothing} top`;
  return [
    `a portrait with ${hair}, ${scene.skin} skin and ${clothing}${wearing}`,
    `a person with ${scene.skin} skin and ${hair} in ${clothing}${wearing}`,
  ];
}

async function drawAll(scenes: readonly Scene[], onProgress?: Progress): Promise<Uint8Array> {
  const pixels = new Uint8Array(scenes.length * variants * width);
  for (const [i, scene] of scenes.entries()) {
    for (let variant = 0; variant < variants; variant++) {
      const index = i * variants + variant;
      pixels.set(await rasterizeSquare(svg(scene, index), size), index * width);
    }
    onProgress?.(i + 1, scenes.length);
    await setImmediate(); // signals have their turn
  }
  return pixels;
}

/** One of a scene's pictures; which looks it has follows from its index. */
function svg(scene: Scene, index: number): string {
  const draws = random.integers(random.foldIn(random.key(0), index), names.length + 4, 2 ** 16);
  let next = 0;
  const one = (list: readonly string[]): [string] => [list[draws[next++]! % list.length]!];
  const look = (name: Name): [string] =>
    one((looks[name] as Record<string, readonly string[]>)[scene[name]]!);
  const [glasses, hat] = [look("glasses"), look("hat")];
  return createAvatar(pixelArt, {
    seed: "",
    hair: look("hair"),
    hairColor: look("hair colour"),
    skinColor: look("skin"),
    clothingColor: look("clothing"),
    clothing: one(unnamed.clothing),
    eyes: one(unnamed.eyes),
    eyesColor: ["5b7c8b"],
    mouth: one(unnamed.mouth),
    mouthColor: ["de0f0d"],
    glassesColor: ["191919"],
    glassesProbability: 0,
    hatColor: one(unnamed.hatColor),
    hatProbability: 0,
    ...(scene.glasses !== "none" && { glasses, glassesProbability: 100 }),
    ...(scene.hat !== "none" && { hat, hatProbability: 100 }),
    accessoriesProbability: 0,
    beardProbability: 0,
  } as Parameters<typeof createAvatar<pixelArt.Options>>[1]).toString();
}
