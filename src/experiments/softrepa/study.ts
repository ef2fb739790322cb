import type { CaptionedDataset } from "../../../datasets/index.js";
import { isCaptioned, readOutCeiling } from "../../../datasets/index.js";
import { currentDevice } from "../../engine/device.js";
import { check } from "../../errors.js";
import type { Json } from "../../io/checkpoint.js";
import type { TrainedFlow } from "../../softrepa/train-flow.js";
import type { Cell, Study } from "../study.js";
import { type Bench, once, type Trial, type TrialResult } from "../trial.js";
import { drawTasks, examplesOf, keyOf, measureArm, measuresOf, splitsOf } from "./arm.js";
import { type Arm, prepareFlow, prepareJudges, trainArm, untuned } from "./base.js";
import type { ExamplesRecord } from "./examples-record.js";
import { joinExamples } from "./job.js";
import { mendedOf } from "./mended.js";
import { type ArmPlan, baseArm, oracleArm, quickStudyPlan, type SoftRepaPlan, studyPlan } from "./plan.js";
import type { ArmRecord } from "./record.js";

/** Reported seeds; pictures of the first one are kept. */
const seeds = [10, 11, 12];

/** What an arm mends of a misalignment that is there on purpose. */
export const softrepa: Study = {
  name: "softrepa",
  title: "Do soft tokens mend what wrong captions have taught?",
  question:
    "A text-to-image flow is trained on captions of which 30% are wrong in one thing, and the same flow on clean ones. What is between them can be mended: how much of it do soft tokens " +
    "mend that are trained by SoftREPA's contrastive loss on clean pairs, against plain prompt tuning, full fine-tuning and guidance alone, and what does it cost?",
  measures: [
    "seen: all attributes right",
    "held-out: all attributes right",
    "seen: no binding swapped",
    "seen: Fréchet distance",
    "held-out: Fréchet distance",
    "seen: information, nats",
    "held-out: information, nats",
    "CKNNA",
    "sampling step, ms",
  ],
  plan: (quick) => softRepaStudy(quick ? quickStudyPlan : studyPlan),
  details: (cells) => {
    const kept = cells.map(({ results }) => results.map(({ details }) => details as unknown as Details));
    return {
      mended: mendedOf(
        (kept[0] ?? []).map(({ seed }, i) => ({ seed, arms: kept.map((arm) => arm[i]!.record) })),
      ),
      examples: joinExamples(kept.map((arm) => arm[0]!.examples)),
    };
  },
};

/** A plan's arms as a study. */
export function softRepaStudy({ arms, ...plan }: SoftRepaPlan): ReturnType<Study["plan"]> {
  const kinds: Kind[] = [baseArm, ...arms, oracleArm];
  return {
    seeds: { tune: [], report: seeds },
    reference: baseArm,
    cells: kinds.map((kind) => softRepaCell("pairs", { ...plan, arms: [] }, kind)),
  };
}

type Kind = ArmPlan | typeof baseArm | typeof oracleArm;

/** What a trial keeps for the study's own part of the report. */
type Details = {
  seed: number;
  record: ArmRecord;
  /** Of the first seed. */
  examples: ExamplesRecord[];
};

/** One arm with every seed. @param plan Without arms. */
function softRepaCell(dataset: string, plan: SoftRepaPlan, kind: Kind): Cell {
  const isArm = typeof kind === "object";
  const name = isArm ? kind.name : kind;
  const { flow, corruption, judge } = plan;
  return {
    panel: dataset,
    arm: name,
    dataset,
    metric: "seen: all attributes right",
    settings: { ...(plan as { [name: string]: unknown } as { [name: string]: Json }), arm: kind as Json },
    learningRates: [],
    check: (data) => {
      const fits = isCaptioned(data) && data.readOut !== undefined;
      check(fits, "dataset", dataset, "captioned data with a read-out");
    },
    shared: () => [
      {
        key: JSON.stringify([dataset, flow, kind === oracleArm ? null : corruption]),
        steps: flow.steps,
      },
      { key: JSON.stringify([dataset, judge]), steps: judge.steps },
    ],
    trial: (seed): Trial => ({
      name: `${dataset}-seed-${seed}`,
      label: `${dataset}: ${name}, seed ${seed}`,
      dataset,
      settings: { plan: plan as unknown as Json, arm: kind as Json, seed },
      steps: isArm ? kind.steps : 0,
      run: (data, bench, checkpoint) =>
        armTrial(data as CaptionedDataset, plan, kind, seed, bench, checkpoint),
    }),
  };
}

async function armTrial(
  data: CaptionedDataset,
  plan: SoftRepaPlan,
  kind: Kind,
  seed: number,
  bench: Bench,
  checkpoint: string,
): Promise<TrialResult | undefined> {
  const judges = await once(bench, [data.name, plan.judge], () => prepareJudges(data, plan.judge, bench));
  if (!judges) return undefined;
  const corruption = kind === oracleArm ? undefined : plan.corruption;
  const flow = await once(bench, [data.name, plan.flow, corruption ?? null], () =>
    prepareFlow(data, plan.flow, corruption, bench),
  );
  if (!flow) return undefined;
  const started = performance.now();
  const arm = await armOf(data, plan, kind, flow, seed, bench, checkpoint);
  if (!arm) return undefined;
  const tasks = drawTasks(data, plan, seed);
  const measured = await measureArm(arm, judges, tasks, plan, seed, bench.signal);
  if (!measured) return undefined;
  const ceilings = splitsOf(data).map((split): [string, number] => [
    `${split}: read-out of real images`,
    readOutCeiling(data, keyOf(seed, "prompts"), 1000, split).overall,
  ]);
  const details: Details = {
    seed,
    record: measured.record,
    examples: seed === seeds[0] ? examplesOf(data, plan, tasks, measured) : [],
  };
  return {
    engine: await currentDevice(),
    seconds: (performance.now() - started) / 1000,
    values: { ...measuresOf(measured.record), ...Object.fromEntries(ceilings) },
    curves: {},
    chance: null,
    samples: null,
    details: details as unknown as Json,
  };
}

async function armOf(
  data: CaptionedDataset,
  plan: SoftRepaPlan,
  kind: Kind,
  flow: TrainedFlow,
  seed: number,
  bench: Bench,
  checkpoint: string,
): Promise<Arm | undefined> {
  return typeof kind === "object"
    ? trainArm(data, flow, kind, plan.flow.timeMean, seed, bench, checkpoint)
    : untuned(kind, flow);
}
