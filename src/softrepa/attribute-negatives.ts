import { check, required } from "../errors.js";
import { checkCaptions } from "./captions.js";
import { cached, checkNegatives, type HardNegatives, type NegativeConfig } from "./negatives.js";
import { wordsOf } from "./text/vocabulary.js";

/** Captions of which it is known what they say: the values of attributes. */
export interface DescribedCaptions {
  readonly captions: readonly string[];
  /** For each caption the attributes of its pictures, those that all of them share; {} or none where only captions are known. */
  readonly captionAttributes?: readonly Attributes[];
  /** Those of pictures that are drawn, where some are held out. Default all. */
  captionsOf?(split: "seen"): readonly number[];
}

type Attributes = Readonly<Record<string, string>>;

const keyOf = (attributes: Attributes): string =>
  JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * A picture's own caption with one attribute changed, or with two values exchanged that could stand in each other's place (a binding swapped: the colours of two
 * objects). They are captions of the data, in the words nearest to its own; each attribute, and each exchange, is a kind. Where there are none, captions that differ
 * in the fewest attributes.
 * @throws TangentLabError `invalid-argument` for captions of which one has no known attributes.
 */
export function attributeNegatives(data: DescribedCaptions, options: NegativeConfig = {}): HardNegatives {
  check.only("attributeNegatives", options, ["count", "among"]);
  const { count } = options;
  required("data", data, "captioned data");
  const { captions, captionAttributes } = data;
  checkCaptions("data.captions", captions);
  const isCandidate = checkNegatives(options, captions);
  const known = captionAttributes?.some((attributes) => Object.keys(attributes).length > 0) ?? false;
  check(
    known && captionAttributes!.length === captions.length,
    "negatives",
    "captions without known attributes",
    "data that say what their captions mean (captionAttributes), or nearestNegatives",
  );
  // Not when it is drawn, after an hour.
  const drawn = data.captionsOf?.("seen") ?? captions.map((_, label) => label);
  const unknown = drawn.find((label) => Object.keys(captionAttributes![label] ?? {}).length === 0);
  check(
    unknown === undefined,
    "negatives",
    `a caption without known attributes, ${JSON.stringify(captions[unknown ?? 0])}`,
    "data that say it of each caption (captionAttributes), or nearestNegatives",
  );
  // Captions that say the same, by what they say.
  const groups = new Map<string, { labels: number[]; attributes: Attributes }>();
  const values = new Map<string, Set<string>>();
  captionAttributes!.forEach((attributes, label) => {
    const group = groups.get(keyOf(attributes));
    if (isCandidate(label)) {
      if (group) group.labels.push(label);
      else groups.set(keyOf(attributes), { labels: [label], attributes });
    }
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
  return { of: cached(captions, find), count, captions };
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
