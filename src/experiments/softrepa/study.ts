import { join } from "node:path";
import type { CaptionedDataset } from "../../../datasets/index.js";
import { isCaptioned, readOutCeiling } from "../../../datasets/index.js";
import { currentDevice } from "../../engine/device.js";
import { check } from "../../errors.js";
import type { Json } from "../../io/checkpoint.js";
import { exclusively } from "../prepare.js";
import type { Cell, Study } from "../study.js";
import { type Bench, once, type Trial, type TrialResult } from "../trial.js";
import { trainingName } from "../weights.js";
import { drawTasks, keyOf, measureArm, measuresOf, splitsOf } from "./arm.js";
import { trainArm, trainBase } from "./base.js";
import { withoutTokens } from "./job.js";
import { mainPlan, type SoftRepaPlan, type TokenPlan } from "./plan.js";

/** The job's settings, shorter, and arms that each change one thing about the tokens. */
function studyPlan(quick: boolean): SoftRepaPlan {
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
  if (!quick)
    return {
      ...plan,
      arms: arms.map((arm) => ({ ...arm, steps: 300 })),
      flow: { ...plan.flow, steps: 1500 },
      generate: { ...plan.generate, images: 128 },
      information: { ...plan.information, batches: 10 },
      edit: { ...plan.edit, starts: [15] },
    };
  return {
    ...plan,
    arms: arms.map((arm) => ({ ...arm, steps: 15 })),
    flow: { ...plan.flow, steps: 60 },
    judge: { ...plan.judge, steps: 40 },
    generate: { ...plan.generate, images: 16, steps: 4 },
    probes: 32,
  };
}

/** Soft tokens of several kinds, and none, for the same frozen flow. */
export const softrepa: Study = {
  name: "softrepa",
  title: "Do soft tokens make images say what their captions say?",
  question:
    "A text-to-image flow is frozen and soft tokens are trained for it by SoftREPA's contrastive loss: do generated and edited images agree better with their captions, on combinations " +
    "of attributes that were seen and on others, what does it cost, and what of the tokens matters?",
  measures: "all",
  plan: (quick) => {
    const { arms, ...plan } = studyPlan(quick);
    return {
      seeds: { tune: [], report: [10, 11, 12] },
      reference: withoutTokens,
      cells: [null, ...arms].map((arm) => softRepaCell("objects", { ...plan, arms: [] }, arm)),
    };
  },
};

/** One kind of tokens, or none, with every seed. @param plan Without arms. */
function softRepaCell(dataset: string, plan: SoftRepaPlan, arm: TokenPlan | null): Cell {
  const name = arm?.name ?? withoutTokens;
  return {
    panel: dataset,
    arm: name,
    dataset,
    metric: "seen: all attributes right",
    settings: { ...plan, arm: arm as Json },
    learningRates: [],
    check: (data) => {
      const fits = isCaptioned(data) && data.readOut !== undefined;
      check(fits, "dataset", dataset, "captioned data with a read-out");
    },
    shared: (seed) => [
      { key: JSON.stringify([dataset, "flow", seed]), steps: plan.flow.steps },
      { key: JSON.stringify([dataset, "judge", seed]), steps: plan.judge.steps },
    ],
    trial: (seed): Trial => ({
      name: `${dataset}-seed-${seed}`,
      label: `${dataset}: ${name}, seed ${seed}`,
      dataset,
      settings: { plan: plan as unknown as Json, arm: arm as Json, seed },
      steps: arm?.steps ?? 0,
      run: (data, bench, checkpoint) =>
        armTrial(data as CaptionedDataset, plan, arm, seed, bench, checkpoint),
    }),
  };
}

async function armTrial(
  data: CaptionedDataset,
  plan: SoftRepaPlan,
  arm: TokenPlan | null,
  seed: number,
  bench: Bench,
  checkpoint: string,
): Promise<TrialResult | undefined> {
  const { flow, judge } = plan;
  const base = await once(bench, [data.name, flow, judge, seed], async () => {
    const folder = join(bench.folder, await trainingName(`${data.name}-base`, data, { flow, judge, seed }));
    const work = (): ReturnType<typeof trainBase> => trainBase(data, plan, seed, bench, folder);
    return exclusively(folder, bench.signal, work, bench.leave);
  });
  if (!base) return undefined;
  const started = performance.now();
  const tokens = arm ? await trainArm(data, base, arm, seed, bench, checkpoint) : undefined;
  if (arm && !tokens) return undefined;
  const tasks = drawTasks(data, plan, seed);
  const name = arm?.name ?? withoutTokens;
  const measured = await measureArm({ name, tokens }, base, tasks, plan, seed, bench.signal);
  if (!measured) return undefined;
  const ceilings = splitsOf(data).map((split): [string, number] => [
    `${split}: read-out of real images`,
    readOutCeiling(data, keyOf(seed, "prompts"), 1000, split).overall,
  ]);
  return {
    engine: await currentDevice(),
    seconds: (performance.now() - started) / 1000,
    values: { ...measuresOf(measured.record), ...Object.fromEntries(ceilings) },
    curves: {},
    chance: null,
    samples: null,
  };
}
