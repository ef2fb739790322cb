import * as random from "../engine/random.js";
import { displayed, textOf } from "../engine/self-display.js";
import { check } from "../errors.js";
import { fingerprintOf, once } from "../io/fingerprint.js";
import {
  type CaptionedData,
  checkCaptionLabels,
  checkData,
  exampleSize,
  fingerprintOfData,
} from "../loop/data.js";
import { attributeNegatives } from "./attribute-negatives.js";

/** Options of `corruptCaptions`. */
export interface CaptionCorruption {
  /** Share of the pictures whose caption is wrong, in [0, 1]. Default 0.3. */
  share?: number;
  /** Decides which pictures they are, and what their captions say instead. Default 0. */
  seed?: number;
}

/**
 * The same pictures, a share of them with a caption that is nearly right: one attribute changed, or as often, where there is such a caption, two values exchanged
 * that could stand in each other's place (the colours of two objects). What a model learns of it is a misalignment of a known size. Whether a picture's caption is wrong, and what it
 * says, follows from the seed and the picture alone: it is the same whenever the picture is drawn. Wrong captions are those of seen combinations; what a batch's
 * `attributes` say stays true.
 * @throws TangentLabError `invalid-argument` for captions without known attributes and options out of range.
 */
export function corruptCaptions<Data extends CaptionedData>(
  data: Data,
  options: CaptionCorruption = {},
): Data {
  checkData(data);
  check.only("corruptCaptions", options, ["share", "seed"]);
  const { share = 0.3, seed = 0 } = options;
  check.number("share", share, (value) => value >= 0 && value <= 1, "a share of the pictures in [0, 1]");
  const base = random.key(seed);
  const negatives = attributeNegatives(data, { among: data.captionsOf?.("seen") });
  const width = exampleSize(data);
  const changes = (label: number, other: number): number => {
    const [own, others] = [data.captionAttributes![label]!, data.captionAttributes![other]!];
    return Object.keys(own).filter((name) => own[name] !== others[name]).length;
  };
  const caption = (label: number, picture: Float32Array): number => {
    const [whether, way, kind, which] = random.split(random.foldIn(base, hashOf(picture)), 4);
    if (random.uniform(whether, 1)[0]! >= share) return label;
    const kinds = negatives.of(label).filter(({ length }) => length > 0);
    const ways = [kinds.filter(([other]) => changes(label, other!) === 1)];
    ways.push(kinds.filter((each) => !ways[0]!.includes(each)));
    const possible = ways.filter(({ length }) => length > 0);
    const own = possible[random.integers(way, 1, possible.length)[0]!]!;
    const chosen = own[random.integers(kind, 1, own.length)[0]!]!;
    return chosen[random.integers(which, 1, chosen.length)[0]!]!;
  };
  // Of a dataset with splits, too: what follows the count is handed on.
  const sample = (key: random.Key, count: number, ...rest: unknown[]): ReturnType<Data["sample"]> => {
    const batch = (data.sample as (...all: unknown[]) => ReturnType<CaptionedData["sample"]>)(
      key,
      count,
      ...rest,
    );
    checkCaptionLabels(batch.labels, count);
    const labels = batch.labels.map((label, i) =>
      caption(label, batch.x.subarray(i * width, (i + 1) * width)),
    );
    return {
      ...batch,
      labels,
      ...("captions" in batch && { captions: Array.from(labels, (label) => data.captions[label]!) }),
    } as ReturnType<Data["sample"]>;
  };
  const corrupted: Data = {
    ...data,
    name: `${data.name}-corrupted`,
    sample,
    fingerprint: once(async () => fingerprintOf([await fingerprintOfData(data), { share, seed }])),
  };
  return displayed(
    corrupted,
    "dataset",
    () => `${textOf(data) ?? data.name}, ${Number((100 * share).toFixed(1))}% with a wrong caption`,
  );
}

/** 32 bits of a picture's numbers: MurmurHash3 (Appleby), whose words' upper bits move, where those of most colours differ. */
function hashOf(picture: Float32Array): number {
  const turned = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits));
  let hash = 0;
  for (const word of new Uint32Array(picture.slice().buffer)) {
    hash ^= Math.imul(turned(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
    hash = (Math.imul(turned(hash, 13), 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
