import * as random from "../engine/random.js";
import { check, TangentLabError } from "../errors.js";

/** Captions that are nearly right for the pictures of another one. */
export interface HardNegatives {
  /**
   * The captions, by their numbers, that are wrong for the pictures of a caption and near it; by kind, each of which is drawn as often.
   * @throws TangentLabError `invalid-data` for a caption that has none.
   */
  of(label: number): readonly (readonly number[])[];
  /** How many negatives a picture's own caption has in a step. Default as many as there are others in the batch. */
  readonly count?: number | undefined;
  /** The captions that are numbered. Training on others is refused, where it is known. */
  readonly captions?: readonly string[];
}

/** Options of all kinds of hard negatives. */
export interface NegativeConfig {
  /** How many negatives a picture's own caption has in a step. Default as many as there are others in the batch. */
  count?: number;
  /** The captions, by their numbers, that negatives are taken from: those of held-out pictures are left out so. Default all. */
  among?: readonly number[] | undefined;
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
export function cached(
  captions: readonly string[],
  find: (label: number) => number[][],
): HardNegatives["of"] {
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
          allowed: "captions, some of which are wrong for the same picture",
        });
      }
      known.set(label, found);
    }
    return found;
  };
}

/** Whether a caption may be a negative. @throws TangentLabError `invalid-argument`. */
export function checkNegatives(
  { count, among }: NegativeConfig,
  captions: readonly string[],
): (label: number) => boolean {
  check(
    count === undefined || (Number.isInteger(count) && count >= 1),
    "negatives.count",
    count,
    "an integer >= 1",
  );
  if (among === undefined) return () => true;
  const isLabel = (label: unknown): boolean =>
    Number.isInteger(label) && (label as number) >= 0 && (label as number) < captions.length;
  check(
    Array.isArray(among) && among.length > 0 && among.every(isLabel),
    "among",
    among,
    `numbers of captions, 0 to ${captions.length - 1}`,
  );
  const candidates = new Set(among);
  return (label) => candidates.has(label);
}
