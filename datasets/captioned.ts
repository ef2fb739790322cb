import * as random from "../src/engine/random.js";
import { displayedDataset } from "../src/engine/self-display.js";
import { check, TangentLabError } from "../src/errors.js";
import { type Content, fingerprintOf, once } from "../src/io/fingerprint.js";
import type { Batch, Dataset } from "./dataset.js";

/** What an image shows, a value by attribute: { colour: "red", shape: "circle" }. */
export type Attributes = Readonly<Record<string, string>>;

/** Combinations that training draws from, or those that it never sees. */
export type Split = "seen" | "held-out";

/** Images drawn from a dataset with captions. */
export interface CaptionedBatch extends Batch {
  /** Index into the dataset's `captions` for each example. */
  labels: Int32Array;
  /** The captions themselves. */
  captions: string[];
  /** What each example shows; {} where the dataset knows captions only. */
  attributes: Attributes[];
}

/** Images with captions; where `readOut` is there, what an image shows can be measured. */
export interface CaptionedDataset extends Dataset {
  /** Every caption that `sample` can give, of both splits; a batch's labels are indices into it. */
  readonly captions: readonly string[];
  /** What each caption says: the attributes that all its pictures share; {} where only captions are known. */
  readonly captionAttributes: readonly Attributes[];
  /** All captions, by their indices, of the pictures that have this one, itself among them: none is wrong for them. */
  captionsTogether(label: number): readonly number[];
  /** The captions, by their indices, that `sample` gives of a split. */
  captionsOf(split: Split): readonly number[];
  /** The values of every attribute that captions speak of; {} where only captions are known. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  /** Number of combinations that training never draws, each of whose values it does draw; 0 where nothing is held out. */
  readonly heldOut: number;
  /** Random examples, each with one of its captions. Default "seen". */
  sample(key: random.Key, count: number, split?: Split): CaptionedBatch;
  /** The attributes of images [count, ...shape], flat: those of the nearest image that the dataset could have made. */
  readOut?(images: Float32Array): Attributes[];
}

/** What a captioned dataset of finitely many scenes is made from. */
export interface CaptionedSource<Scene> {
  name: string;
  shape: readonly number[];
  attributes: Readonly<Record<string, readonly string[]>>;
  scenes: readonly Scene[];
  /** Number of pictures of one scene (jitters), at least 1. */
  variants: number;
  describe(scene: Scene): { attributes: Attributes; captions: readonly string[]; heldOut: boolean };
  /** Draws one of a scene's pictures into `out` from `offset` on. */
  write(scene: Scene, variant: number, out: Float32Array, offset: number): void;
  readOut?: (images: Float32Array) => Attributes[];
  /** All pictures, as they are stored, in their order. Default: the first picture of every scene, for pictures that a program draws. */
  contents?: () => Iterable<Content>;
}

/**
 * A dataset of scenes: drawn evenly, each time as one of the scene's pictures and with one of its captions.
 * @throws TangentLabError `invalid-data` for a scene without captions or a blank one.
 */
export function captioned<Scene>(source: CaptionedSource<Scene>): CaptionedDataset {
  const { name, shape, scenes, variants, attributes } = source;
  const width = shape.reduce((a, b) => a * b, 1);
  const index = new Map<string, number>();
  const labelOf = (caption: string): number => {
    if (!index.has(caption)) index.set(caption, index.size);
    return index.get(caption)!;
  };
  const known = scenes.map((scene, i) => {
    const description = source.describe(scene);
    const bad = description.captions.findIndex((caption) => caption.trim() === "");
    if (description.captions.length === 0 || bad >= 0) {
      throw new TangentLabError("invalid-data", `example ${i} of ${name} has no caption`, {
        argument: "captions",
        given: description.captions,
        allowed: "one or more captions that are not blank",
      });
    }
    return { scene, labels: description.captions.map(labelOf), ...description };
  });
  const captions = [...index.keys()];
  const withCaption = captions.map((): typeof known => []);
  for (const entry of known) for (const label of new Set(entry.labels)) withCaption[label]!.push(entry);
  const splits: Record<Split, typeof known> = {
    seen: known.filter(({ heldOut }) => !heldOut),
    "held-out": known.filter(({ heldOut }) => heldOut),
  };
  const entriesOf = (split: Split): typeof known => {
    check(splits[split] !== undefined, "split", split, '"seen" or "held-out"');
    return splits[split];
  };
  function* contentsOf(): Generator<Content> {
    yield { shape, variants, attributes, captions };
    yield known.map(({ labels, attributes, heldOut }) => ({ labels, attributes, heldOut }));
    if (source.contents) yield* source.contents();
    else
      for (const scene of scenes) {
        const picture = new Float32Array(width);
        source.write(scene, 0, picture, 0);
        yield picture;
      }
  }
  check(splits.seen.length > 0, "captions", `${known.length} captioned examples`, "at least one to train on");
  return displayedDataset<CaptionedDataset>({
    name,
    shape,
    size: scenes.length * variants,
    captions,
    captionAttributes: withCaption.map((entries) => shared(entries.map((entry) => entry.attributes))),
    captionsTogether: (label) => {
      check(withCaption[label] !== undefined, "label", label, `0 to ${captions.length - 1}`);
      return [...new Set(withCaption[label]!.flatMap((entry) => entry.labels))];
    },
    captionsOf: (split) => [...new Set(entriesOf(split).flatMap((entry) => entry.labels))],
    attributes,
    heldOut: splits["held-out"].length,
    fingerprint: once(() => fingerprintOf(contentsOf())),
    sample: (key, count, split = "seen") => {
      const from = entriesOf(split);
      check(from.length > 0, "split", split, `"seen": ${name} holds nothing out`);
      const [sceneKey, variantKey, captionKey] = random.split(key, 3);
      const chosen = Array.from(random.integers(sceneKey, count, from.length), (i) => from[i]!);
      const pictures = random.integers(variantKey, count, variants);
      const phrasings = random.uniform(captionKey, count);
      const x = new Float32Array(count * width);
      const labels = new Int32Array(count);
      chosen.forEach((entry, i) => {
        source.write(entry.scene, pictures[i]!, x, i * width);
        labels[i] =
          entry.labels[Math.min(Math.floor(phrasings[i]! * entry.labels.length), entry.labels.length - 1)]!;
      });
      return {
        x,
        labels,
        captions: Array.from(labels, (label) => captions[label]!),
        attributes: chosen.map((entry) => entry.attributes),
      };
    },
    ...(source.readOut && { readOut: source.readOut }),
  });
}

/** The attributes on which all agree. */
const shared = (list: readonly Attributes[]): Attributes =>
  Object.fromEntries(
    Object.entries(list[0]!).filter(([name, value]) =>
      list.every((attributes) => attributes[name] === value),
    ),
  );

/** Whether a dataset has captions. */
export const isCaptioned = (data: Dataset): data is CaptionedDataset => "captions" in data;

/** How often a read-out is right. */
export interface Agreement {
  /** Share of images whose every attribute agrees. */
  overall: number;
  /** Share of images on which each attribute agrees. */
  byAttribute: Record<string, number>;
}

/** Compares what images show with what they should show. @throws TangentLabError `invalid-argument` for lists of different length. */
export function agreement(shown: readonly Attributes[], wanted: readonly Attributes[]): Agreement {
  check(Array.isArray(shown), "shown", shown, "a list of what images show");
  check(Array.isArray(wanted), "wanted", wanted, "a list of what images should show");
  check(
    shown.length === wanted.length && shown.length > 0,
    "shown",
    `${shown.length} images`,
    `${Math.max(1, wanted.length)}, one for each description`,
  );
  const names = Object.keys(wanted[0]!);
  const share = (right: (i: number) => boolean): number =>
    wanted.reduce((sum, _, i) => sum + (right(i) ? 1 : 0), 0) / wanted.length;
  return {
    overall: share((i) => names.every((name) => shown[i]![name] === wanted[i]![name])),
    byAttribute: Object.fromEntries(
      names.map((name) => [name, share((i) => shown[i]![name] === wanted[i]![name])]),
    ),
  };
}

/**
 * How well the read-out reads clean data: the ceiling of every measured agreement.
 * @throws TangentLabError `invalid-argument` for a dataset without a read-out.
 */
export function readOutCeiling(
  data: CaptionedDataset,
  key: random.Key,
  count = 1000,
  split: Split = "seen",
): Agreement {
  check(data?.readOut !== undefined, "data", data?.name, "a dataset whose attributes can be read out");
  const { x, attributes } = data.sample(key, count, split);
  return agreement(data.readOut(x), attributes);
}
