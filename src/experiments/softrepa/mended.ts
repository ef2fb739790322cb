import { check } from "../../errors.js";
import { type Interval, interval, mcNemar, pairedDifference } from "../statistics.js";
import type { SplitName } from "./examples-record.js";
import type { Contest, Guided, MendedArm, MendedRecord, MendedSplit } from "./mended-record.js";
import { baseArm, oracleArm } from "./plan.js";
import type { ArmQuality, ArmRecord } from "./record.js";
import { rightOf, shareRight } from "./verdicts.js";

/** The arms of one seed, all on the same captions and from the same noise. */
export interface SeedRecord {
  seed: number;
  arms: readonly ArmRecord[];
}

/** Who is compared: what the second asks for and the first does not. */
const contests = [
  ["prompt tuning", "random negatives"],
  ["prompt tuning", "hard negatives"],
  ["prompt tuning", "hard, positive weight"],
  ["prompt tuning", "published form"],
  ["random negatives", "hard negatives"],
  ["full, denoising", "full, contrast"],
] as const;

/**
 * What arms mend, from their records of one or more seeds: the base is among the arms; where the oracle is, shares of the gap between the two.
 * @throws TangentLabError `invalid-argument` for no seeds, or seeds without a base or with other arms than the first.
 */
export function mendedOf(seeds: readonly SeedRecord[]): MendedRecord {
  check(seeds.length > 0, "seeds", seeds, "one or more");
  const names = seeds[0]!.arms.map(({ name }) => name);
  check(names.includes(baseArm), "arms", names, `${baseArm} among them`);
  for (const { seed, arms } of seeds)
    check(`${arms.map(({ name }) => name)}` === `${names}`, `arms of seed ${seed}`, arms.length, `${names}`);
  const of = (name: string): ArmRecord[] => seeds.map(({ arms }) => arms.find((arm) => arm.name === name)!);
  const base = of(baseArm);
  const best = names.includes(oracleArm) ? of(oracleArm) : undefined;
  const splits = Object.keys(base[0]!.splits) as SplitName[];
  const first = base[0]!;
  return {
    ...{ base: baseArm, oracle: oracleArm, guidance: first.splits.seen!.guidance },
    seeds: seeds.map(({ seed }) => seed),
    pictures: Object.fromEntries(splits.map((split) => [split, first.splits[split]!.right.length])),
    curvePictures: first.curve[0]?.right.length ?? 0,
    gap: Object.fromEntries(
      best
        ? splits.map((split) => [split, pairedDifference(sharesOf(best, split), sharesOf(base, split))])
        : [],
    ),
    arms: names.map((name) => armOf(of(name), base, best, splits)),
    contests: contests
      .filter((pair) => pair.every((name) => names.includes(name)))
      .flatMap(([a, b]) => splits.map((split) => contestOf(of(a), of(b), split))),
  };
}

const qualityOf = (arm: ArmRecord, split: SplitName): ArmQuality => arm.splits[split]!;

const sharesOf = (arms: readonly ArmRecord[], split: SplitName): number[] =>
  arms.map((arm) => shareRight(qualityOf(arm, split)));

/** All pictures of all seeds, one after the other. */
const pooled = (arms: readonly ArmRecord[], split: SplitName): boolean[] =>
  arms.flatMap((arm) => rightOf(qualityOf(arm, split)));

/** Shares of gaps, seed by seed; null where one has none. */
function shareOfGap(
  own: readonly number[],
  low: readonly number[],
  high: readonly number[],
): Interval | null {
  if (!low.every((value, i) => high[i]! > value)) return null;
  return interval(own.map((value, i) => (value - low[i]!) / (high[i]! - low[i]!)));
}

function armOf(
  own: readonly ArmRecord[],
  base: readonly ArmRecord[],
  oracle: readonly ArmRecord[] | undefined,
  splits: readonly SplitName[],
): MendedArm {
  const { name, trained, curve } = own[0]!;
  const { times } = qualityOf(own[0]!, "seen").information;
  const over = (of: (arm: ArmRecord) => number): Interval => interval(own.map(of));
  return {
    name,
    trained,
    splits: Object.fromEntries(splits.map((split) => [split, splitOf(own, base, oracle, split)])),
    best: guidedOf(own, base, oracle),
    curve: curve.map(({ guidance }, i) => ({
      guidance,
      right: over((arm) => shareRight(arm.curve[i]!)),
      frechet: over((arm) => arm.curve[i]!.frechet),
    })),
    information: times.map(({ t }, i) => ({
      t,
      bound: over((arm) => qualityOf(arm, "seen").information.times[i]!.bound),
      temperature: over((arm) => qualityOf(arm, "seen").information.times[i]!.temperature),
    })),
  };
}

function splitOf(
  own: readonly ArmRecord[],
  base: readonly ArmRecord[],
  oracle: readonly ArmRecord[] | undefined,
  split: SplitName,
): MendedSplit {
  const values = (arms: readonly ArmRecord[], of: (quality: ArmQuality) => number): number[] =>
    arms.map((arm) => of(qualityOf(arm, split)));
  const over = (of: (quality: ArmQuality) => number): Interval => interval(values(own, of));
  const isBase = own[0]!.name === baseArm;
  const attributes = Object.keys(qualityOf(own[0]!, split).agreement.byAttribute);
  const frechet = (quality: ArmQuality): number => quality.frechet;
  return {
    right: over(shareRight),
    mended: oracle ? shareOfGap(sharesOf(own, split), sharesOf(base, split), sharesOf(oracle, split)) : null,
    byAttribute: Object.fromEntries(
      attributes.map((name) => [name, over(({ agreement }) => agreement.byAttribute[name]!)]),
    ),
    bound: over(({ bound }) => bound),
    repeated: over(({ repeated }) => repeated),
    frechet: over(frechet),
    frechetVersus: isBase ? null : pairedDifference(values(own, frechet), values(base, frechet)),
    mcNemar: isBase ? null : mcNemar(pooled(own, split), pooled(base, split)),
    information: over(({ information }) => information.bound),
  };
}

/** Each half of the curve's pictures with the guidance that is best on the other half (of equal ones the smallest): no picture is measured with what it was chosen for. */
function guidedOf(
  own: readonly ArmRecord[],
  base: readonly ArmRecord[],
  oracle: readonly ArmRecord[] | undefined,
): Guided {
  const half = (right: string, which: 0 | 1): string => {
    const middle = Math.floor(right.length / 2);
    return which === 0 ? right.slice(0, middle) : right.slice(middle);
  };
  const share = (right: string): number => shareRight({ right });
  const chosen = own.map(({ curve }) =>
    ([0, 1] as const).map((other) => {
      const shareThere = ({ right }: { right: string }): number => share(half(right, other));
      return curve.reduce((best, point) => (shareThere(point) > shareThere(best) ? point : best));
    }),
  );
  const shares = chosen.map(([first, second]) => share(half(second!.right, 0) + half(first!.right, 1)));
  // The same pictures at the main guidance, which are the first of all.
  const ends = (arms: readonly ArmRecord[]): number[] =>
    arms.map((arm, i) => share(qualityOf(arm, "seen").right.slice(0, chosen[i]![0]!.right.length)));
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    guidance: [...new Set(chosen.flat().map(({ guidance }) => guidance))].sort((a, b) => a - b),
    right: interval(shares),
    mended: oracle ? shareOfGap(shares, ends(base), ends(oracle)) : null,
    frechet: interval(chosen.map((points) => mean(points.map(({ frechet }) => frechet)))),
  };
}

function contestOf(a: readonly ArmRecord[], b: readonly ArmRecord[], split: SplitName): Contest {
  return {
    first: a[0]!.name,
    second: b[0]!.name,
    split,
    difference: pairedDifference(sharesOf(b, split), sharesOf(a, split)),
    mcNemar: mcNemar(pooled(b, split), pooled(a, split)),
  };
}
