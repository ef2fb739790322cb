import * as tf from "@tensorflow/tfjs-core";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required, TangentLabError } from "../errors.js";
import { checkCaptions } from "./captions.js";
import type { FrozenFlow } from "./frozen-flow.js";
import { wordsOf } from "./text/vocabulary.js";

/** Captions that are nearly right for the pictures of another one. */
export interface HardNegatives {
  /**
   * The captions, by their numbers, that are wrong for the pictures of a caption and near it; by kind, each of which is drawn as often.
   * @throws TangentLabError `invalid-data` for a caption that has none.
   */
  of(label: number): readonly (readonly number[])[];
  /** How many of them stand against a picture's own caption in a step. Default as many as there are others in the batch. */
  readonly count?: number | undefined;
}

/** What a negative's `count` is for all kinds. */
interface Count {
  /** How many stand against a picture's own caption in a step. Default as many as there are others in the batch. */
  count?: number;
}

/** Captions of which it is known what they say: the values of attributes. */
export interface DescribedCaptions {
  readonly captions: readonly string[];
  /** For each caption the attributes of its pictures, those that all of them share; {} or none where only captions are known. */
  readonly captionAttributes?: readonly Attributes[];
}

type Attributes = Readonly<Record<string, string>>;

const keyOf = (attributes: Attributes): string =>
  JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * A picture's own caption with one attribute changed, or with two values exchanged that could stand in each other's place (a binding swapped: the colours of two
 * objects). They are captions of the data, in the words nearest to its own; each attribute, and each exchange, is a kind. Where there are none, captions that differ
 * in the fewest attributes.
 * @throws TangentLabError `invalid-argument` for captions without known attributes.
 */
export function attributeNegatives(data: DescribedCaptions, { count }: Count = {}): HardNegatives {
  required("data", data, "captioned data");
  const { captions, captionAttributes } = data;
  checkCaptions("data.captions", captions);
  checkCount(count);
  const known = captionAttributes?.some((attributes) => Object.keys(attributes).length > 0) ?? false;
  check(
    known && captionAttributes!.length === captions.length,
    "negatives",
    "captions without known attributes",
    "data that say what their captions mean (captionAttributes), or nearestNegatives",
  );
  // Captions that say the same, by what they say.
  const groups = new Map<string, { labels: number[]; attributes: Attributes }>();
  const values = new Map<string, Set<string>>();
  captionAttributes!.forEach((attributes, label) => {
    const group = groups.get(keyOf(attributes));
    if (group) group.labels.push(label);
    else groups.set(keyOf(attributes), { labels: [label], attributes });
    for (const [name, value] of Object.entries(attributes)) {
      if (!values.has(name)) values.set(name, new Set());
      values.get(name)!.add(value);
    }
  });
  const alike = (a: string, b: string): boolean => {
    const [one, other] = [values.get(a)!, values.get(b)!];
    return one.size === other.size && [...one].every((value) => other.has(value));
  };
  const exchangeable = [...values.keys()].flatMap((a, i, names) =>
    names.slice(i + 1).flatMap((b) => (alike(a, b) ? [[a, b] as const] : [])),
  );
  const nearestWords = wording(captions);

  const find = (label: number): number[][] => {
    const own = captionAttributes![label]!;
    const names = Object.keys(own);
    const captionsOf = (changed: Attributes): number[] => {
      const group = groups.get(keyOf({ ...own, ...changed }));
      return group ? [nearestWords(label, group.labels)] : [];
    };
    const changes = names.map((name) =>
      [...values.get(name)!]
        .filter((value) => value !== own[name])
        .flatMap((value) => captionsOf({ [name]: value })),
    );
    const swaps = exchangeable
      .filter(([a, b]) => own[a] !== undefined && own[b] !== undefined && own[a] !== own[b])
      .map(([a, b]) => captionsOf({ [a]: own[b]!, [b]: own[a]! }));
    const kinds = [...changes, ...swaps].filter(({ length }) => length > 0);
    return kinds.length > 0 ? kinds : [fewestChanges(label, own)];
  };

  /** Captions of the same attributes that differ in as few as there are. */
  const fewestChanges = (label: number, own: Attributes): number[] => {
    const names = Object.keys(own);
    let fewest = Number.POSITIVE_INFINITY;
    let found: number[] = [];
    for (const { labels, attributes } of groups.values()) {
      const comparable =
        Object.keys(attributes).length === names.length &&
        names.every((name) => attributes[name] !== undefined);
      const changes = names.filter((name) => attributes[name] !== own[name]).length;
      if (!comparable || changes === 0 || changes > fewest) continue;
      if (changes < fewest) found = [];
      fewest = changes;
      found.push(nearestWords(label, labels));
    }
    return found;
  };
  return { of: cached(captions, find), count };
}

/** Captions, and which belong to the same pictures. */
export interface GroupedCaptions {
  readonly captions: readonly string[];
  /** All captions of the pictures that have this one: none of them is wrong. Default it alone. */
  captionsTogether?(label: number): readonly number[];
}

export interface NearestConfig extends Count {
  /** How many of the nearest captions are candidates. Default 16. */
  nearest?: number;
}

/**
 * The captions nearest to a picture's own in the cosine of their vectors, its other captions left out: for data of which only captions are known.
 * @param vectors One for each caption, as `captionVectors` gives them, all of a length; computed at the first use where a function gives them.
 * @throws TangentLabError `invalid-argument` for options out of range or vectors that do not fit.
 */
export function nearestNegatives(
  data: GroupedCaptions,
  vectors: readonly ArrayLike<number>[] | (() => readonly ArrayLike<number>[]),
  { count, nearest = 16 }: NearestConfig = {},
): HardNegatives {
  required("data", data, "captioned data");
  const { captions } = data;
  checkCaptions("data.captions", captions);
  checkCount(count);
  check(Number.isInteger(nearest) && nearest >= 1, "nearest", nearest, "an integer >= 1");
  let unit: Float64Array[] | undefined;
  const prepared = (): Float64Array[] => {
    unit ??= normalized(typeof vectors === "function" ? vectors() : vectors, captions.length);
    return unit;
  };
  if (typeof vectors !== "function") prepared();
  const find = (label: number): number[][] => {
    const all = prepared();
    const right = new Set([label, ...(data.captionsTogether?.(label) ?? [])]);
    const texts = new Set([...right].map((each) => captions[each]!));
    const found: { other: number; cosine: number }[] = [];
    for (const [other, vector] of all.entries()) {
      if (right.has(other) || texts.has(captions[other]!)) continue;
      const cosine = dot(all[label]!, vector);
      if (found.length === nearest && cosine <= found.at(-1)!.cosine) continue;
      const at = found.findIndex((each) => each.cosine < cosine);
      found.splice(at < 0 ? found.length : at, 0, { other, cosine });
      if (found.length > nearest) found.pop();
    }
    return [found.map(({ other }) => other)];
  };
  return { of: cached(captions, find), count };
}

/** A flow's own vectors of captions, its pooled text: for `nearestNegatives`. */
export function captionVectors(
  flow: FrozenFlow,
  captions: readonly string[],
  batchSize = 64,
): Float32Array[] {
  checkCaptions("captions", captions);
  const out: Float32Array[] = [];
  for (let from = 0; from < captions.length; from += batchSize) {
    tf.tidy(() => {
      const text = flow.encode(flow.parameters, flow.tokenize(captions.slice(from, from + batchSize)));
      const pooled: Tensor = text.pooled ?? Object.values(text)[0]!;
      const rows = tf.reshape(pooled, [pooled.shape[0]!, -1]);
      const [n, width] = rows.shape as [number, number];
      const values = rows.dataSync() as Float32Array;
      for (let i = 0; i < n; i++) out.push(values.slice(i * width, (i + 1) * width));
    });
  }
  return out;
}

/**
 * Draws `count` hard negatives of a caption, the kinds in turn, no caption twice while there are others.
 * @throws TangentLabError `invalid-data` for a caption that has none.
 */
export function drawNegatives(
  negatives: HardNegatives,
  label: number,
  count: number,
  key: random.Key,
): number[] {
  const kinds = negatives.of(label).filter(({ length }) => length > 0);
  const [order, ...keys] = random.split(key, kinds.length + 1) as [random.Key, ...random.Key[]];
  const shuffled = Array.from(random.permutation(order, kinds.length), (kind) =>
    Array.from(random.permutation(keys[kind]!, kinds[kind]!.length), (i) => kinds[kind]![i]!),
  );
  const most = Math.max(...shuffled.map(({ length }) => length));
  const inTurn = Array.from({ length: most }, (_, i) =>
    shuffled.flatMap((kind) => kind.slice(i, i + 1)),
  ).flat();
  return Array.from({ length: count }, (_, i) => inTurn[i % inTurn.length]!);
}

/** Computes each caption's negatives once. */
function cached(captions: readonly string[], find: (label: number) => number[][]): HardNegatives["of"] {
  const known = new Map<number, number[][]>();
  return (label) => {
    let found = known.get(label);
    if (!found) {
      check(
        Number.isInteger(label) && label >= 0 && label < captions.length,
        "label",
        label,
        `0 to ${captions.length - 1}`,
      );
      found = find(label);
      if (found.every(({ length }) => length === 0)) {
        throw new TangentLabError("invalid-data", "a caption has no negatives", {
          argument: "negatives",
          given: captions[label],
          allowed: "captions of which others are wrong for the same picture",
        });
      }
      known.set(label, found);
    }
    return found;
  };
}

/** Of captions that say the same, the one in the words nearest to a caption's: the fewest words that only one of the two has. */
function wording(captions: readonly string[]): (own: number, labels: readonly number[]) => number {
  const known = new Map<number, Map<string, number>>();
  const words = (label: number): Map<string, number> => {
    if (!known.has(label)) known.set(label, counted(captions[label]!));
    return known.get(label)!;
  };
  const difference = (own: Map<string, number>, other: Map<string, number>): number => {
    let sum = 0;
    for (const [word, count] of own) sum += Math.abs(count - (other.get(word) ?? 0));
    for (const [word, count] of other) sum += own.has(word) ? 0 : count;
    return sum;
  };
  return (own, labels) => {
    let best = { label: labels[0]!, distance: Number.POSITIVE_INFINITY };
    for (const label of labels) {
      const distance = difference(words(own), words(label));
      if (distance < best.distance) best = { label, distance };
    }
    return best.label;
  };
}

function counted(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function normalized(vectors: readonly ArrayLike<number>[], count: number): Float64Array[] {
  check(
    Array.isArray(vectors) && vectors.length === count,
    "vectors",
    `${vectors?.length} vectors`,
    `${count}, one for each caption`,
  );
  const width = vectors[0]!.length;
  return vectors.map((vector, i) => {
    check(vector.length === width, `vectors[${i}]`, `${vector.length} numbers`, `${width}, as the others`);
    const values = Float64Array.from(vector);
    const length = Math.sqrt(dot(values, values));
    check(Number.isFinite(length), `vectors[${i}]`, "numbers that are not finite", "finite numbers");
    return length > 0 ? values.map((value) => value / length) : values;
  });
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

const checkCount = (count: number | undefined): void =>
  check(
    count === undefined || (Number.isInteger(count) && count >= 1),
    "negatives.count",
    count,
    "an integer >= 1",
  );
