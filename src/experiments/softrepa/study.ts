import { join } from "node:path";
import * as v from "valibot";
import type { CaptionedDataset } from "../../../datasets/index.js";
import { check } from "../../errors.js";
import type { Json } from "../../io/checkpoint.js";
import { writeFileAtomically } from "../../io/files.js";
import { readFinished } from "../finished.js";
import type { Workplace } from "../prepare.js";
import { type Interval, interval, pairedDifference } from "../statistics.js";
import { trainingName } from "../weights.js";
import { mainPlan, type SoftRepaPlan, type TokenPlan } from "./plan.js";
import type { ArmRecord } from "./record.js";
import { softRepaTrial, type TrialRecord } from "./trial.js";

/** The study's settings: the main job's, shorter, and arms that each change one thing about the tokens. */
export function studyPlan(quick: boolean): SoftRepaPlan {
  const plan = mainPlan(quick);
  const tokens = plan.arms[0]!;
  const but = (name: string, change: Partial<TokenPlan>): TokenPlan => ({ ...tokens, ...change, name });
  const arms = quick
    ? [tokens, but("without time", { timeRows: 0 })]
    : [
        tokens,
        but("L = 1", { layers: 1 }),
        but("m = 1", { tokens: 1 }),
        but("without time", { timeRows: 0 }),
        but("b = 4", { batchSize: 4 }),
      ];
  if (!quick) {
    return {
      ...plan,
      arms: arms.map((arm) => ({ ...arm, steps: 300 })),
      flow: { ...plan.flow, steps: 1500 },
      generate: { ...plan.generate, images: 128 },
      information: { ...plan.information, batches: 10 },
      edit: { ...plan.edit, starts: [15] },
    };
  }
  return {
    ...plan,
    arms: arms.map((arm) => ({ ...arm, steps: 15 })),
    flow: { ...plan.flow, steps: 60 },
    judge: { ...plan.judge, steps: 40 },
    generate: { ...plan.generate, images: 16, steps: 4 },
    probes: 32,
  };
}

/** A measure of an arm over the seeds. */
export interface Outcome {
  measure: string;
  values: number[];
  interval: Interval;
  /** Against "without tokens" of the same seeds; null for itself. */
  versus: Interval | null;
}

export interface ArmSummary {
  name: string;
  trained: number;
  outcomes: Outcome[];
}

/** What the study found; plain data. */
export interface SoftRepaStudyRecord {
  name: "softrepa";
  title: string;
  question: string;
  /** ISO 8601. */
  date: string;
  /** Of this run of the command; trainings that were finished before are not in it. */
  seconds: number;
  quick: boolean;
  dataset: string;
  seeds: number[];
  ceiling: TrialRecord["ceiling"];
  arms: ArmSummary[];
  settings: { [name: string]: Json };
  machine: Record<string, string>;
  versions: Record<string, string>;
}

type SeedRecord = Pick<TrialRecord, "ceiling" | "arms">;

const numbers = v.record(v.string(), v.nullable(v.number()));
const agreement = v.looseObject({ overall: v.number(), byAttribute: numbers });
const seedSchema = v.object({
  ceiling: v.record(v.string(), agreement),
  arms: v.pipe(
    v.array(
      v.looseObject({
        ...{ name: v.string(), trained: v.number(), stepTime: v.number() },
        splits: v.record(v.string(), v.looseObject({ agreement, information: v.looseObject({}) })),
        alignment: v.nullable(v.looseObject({ probe: numbers })),
        editing: v.array(v.looseObject({ start: v.number() })),
      }),
    ),
    v.minLength(1),
  ),
}) as v.GenericSchema<unknown, unknown> as v.GenericSchema<unknown, SeedRecord>;

/** What a seed's trial left when it was measured; undefined where there is none. @throws TangentLabError `corrupt-file`. */
export const readSeed = (path: string): Promise<SeedRecord | undefined> => readFinished(path, seedSchema);

/**
 * The same trial with several seeds: each has a flow, a judge and tokens of its own. A seed's folder is named by a hash of the plan; once it is measured its numbers
 * are in `<name>.json` beside it, and it is not run again. Undefined where it was stopped.
 */
export async function softRepaStudy(
  data: CaptionedDataset,
  plan: SoftRepaPlan,
  seeds: readonly number[],
  place: Workplace,
): Promise<Pick<SoftRepaStudyRecord, "ceiling" | "arms"> | undefined> {
  check(seeds.length >= 2, "seeds", seeds, "two or more, so that there are intervals");
  const trials: SeedRecord[] = [];
  for (const seed of seeds) {
    const name = await trainingName(`${data.name}-seed-${seed}`, data, { ...plan, seed });
    const path = join(place.folder, `${name}.json`);
    let record = await readSeed(path);
    if (!record) {
      const trial = await softRepaTrial(data, plan, seed, { ...place, folder: join(place.folder, name) });
      if (!trial) return undefined;
      record = { ceiling: trial.ceiling, arms: trial.arms };
      await writeFileAtomically(path, `${JSON.stringify(record)}\n`);
    }
    trials.push(record);
  }
  return { ceiling: trials[0]!.ceiling, arms: summarizeArms(trials.map(({ arms }) => arms)) };
}

/** Means with intervals over the seeds, and paired differences to the first arm. @param bySeed the same arms for every seed. */
export function summarizeArms(bySeed: readonly (readonly ArmRecord[])[]): ArmSummary[] {
  const [first, ...rest] = bySeed[0]!.map((_, i) => bySeed.map((arms) => measures(arms[i]!)));
  return [first!, ...rest].map((ours, i) => ({
    name: bySeed[0]![i]!.name,
    trained: bySeed[0]![i]!.trained,
    outcomes: Object.keys(ours[0]!).map((measure): Outcome => {
      const of = (seeds: readonly Record<string, number>[]): number[] =>
        seeds.map((values) => values[measure]!);
      const values = of(ours);
      return {
        measure,
        values,
        interval: interval(values),
        versus: i === 0 ? null : pairedDifference(values, of(first!)),
      };
    }),
  }));
}

/** All numbers of an arm, by what they measure. */
function measures({ splits, alignment, editing, stepTime }: ArmRecord): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [split, { agreement, dualScore, frechet, information }] of Object.entries(splits)) {
    out[`${split}: all attributes right`] = agreement.overall;
    for (const [name, share] of Object.entries(agreement.byAttribute)) out[`${split}: ${name} right`] = share;
    out[`${split}: dual encoder`] = dualScore;
    out[`${split}: Fréchet distance`] = frechet;
    out[`${split}: information, nats`] = information.bound;
    out[`${split}: captions told apart`] = information.accuracy;
  }
  for (const [name, accuracy] of Object.entries(alignment?.probe ?? {})) out[`probe: ${name}`] = accuracy;
  if (alignment) out.CKNNA = alignment.cknna;
  for (const { start, changed, kept, target, distance } of editing) {
    const from = `editing from ${Number(start.toFixed(2))}`;
    out[`${from}: changed as asked`] = changed;
    out[`${from}: rest kept`] = kept;
    out[`${from}: all as asked`] = target;
    out[`${from}: change of pixels`] = distance;
  }
  out["sampling step, ms"] = stepTime;
  return out;
}
