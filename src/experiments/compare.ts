import { join } from "node:path";
import type { Dataset } from "../../datasets/index.js";
import { ect } from "../consistency/ect.js";
import { type ConsistencyTraining, train } from "../consistency/train.js";
import { saveDenoiser } from "../diffusion/model-file.js";
import type { TrainedDenoiser } from "../diffusion/trained.js";
import * as random from "../engine/random.js";
import { draw, type TrainingData } from "../loop/data.js";
import { arrayRecord, probeMean, type RunRecord } from "../loop/record.js";
import type { TrainedFeatures } from "../metrics/features.js";
import type { ComparisonRecord, Headline } from "./compare-record.js";
import type { RecordingPlan, StartPlan, TrainingPlan } from "./consistency.js";
import { type LossPlan, lossOf } from "./loss.js";
import { prepareDenoiser, prepareFeatures, prepareJudge, stageOptions, type Workplace } from "./prepare.js";
import { stepsTo } from "./statistics.js";
import { imageArms, pointArms, together } from "./studies/arms.js";

/** One comparison: what is trained before, and then the consistency models, which differ only in their loss. */
type Plan = Omit<StartPlan, "seed"> & {
  consistency: Omit<TrainingPlan, "learningRate">;
  recording: RecordingPlan;
  losses: Record<string, { loss: LossPlan; learningRate: number }>;
};

type Rates = Record<"pixel" | "MFD" | "pixel + MFD", number>;

const losses = (arms: typeof pointArms | typeof imageArms, steps: number, rates: Rates): Plan["losses"] => ({
  pixel: { loss: arms.pixel, learningRate: rates.pixel },
  MFD: { loss: arms.MFD, learningRate: rates.MFD },
  "pixel + MFD": { loss: together(arms, { ramp: steps / 5 }), learningRate: rates["pixel + MFD"] },
});

const pointRates: Rates = { pixel: 1e-3, MFD: 1e-3, "pixel + MFD": 1e-3 };

const pointPlans: Record<"full" | "quick", Plan> = {
  full: {
    denoiser: { steps: 3000, batchSize: 128, learningRate: 2e-3 },
    features: { steps: 2000, batchSize: 128, learningRate: 1e-3, probability: 0.5 },
    judge: null,
    consistency: { steps: 5000, batchSize: 16, q: 2, stages: 8, ema: 0.999 },
    recording: { every: 313, count: 512, examples: 8 },
    losses: losses(pointArms, 5000, pointRates),
  },
  quick: {
    denoiser: { steps: 600, batchSize: 128, learningRate: 2e-3 },
    features: { steps: 500, batchSize: 128, learningRate: 1e-3, probability: 0.5 },
    judge: null,
    consistency: { steps: 1000, batchSize: 16, q: 2, stages: 4, ema: 0.999 },
    recording: { every: 167, count: 512, examples: 8 },
    losses: losses(pointArms, 1000, pointRates),
  },
};

const imagePlans = (rates: Rates): Record<"full" | "quick", Plan> => ({
  full: {
    denoiser: { steps: 4000, batchSize: 16, learningRate: 2e-3 },
    features: { network: "small", steps: 2000, batchSize: 32, learningRate: 1e-3, probability: 0.5 },
    judge: { steps: 600, batchSize: 32, learningRate: 2e-3 },
    consistency: { steps: 800, batchSize: 16, q: 2, stages: 4, ema: 0.999 },
    recording: { every: 50, count: 512, examples: 5 },
    losses: losses(imageArms, 800, rates),
  },
  quick: {
    denoiser: { steps: 350, batchSize: 16, learningRate: 2e-3 },
    features: { network: "small", steps: 200, batchSize: 32, learningRate: 1e-3, probability: 0.5 },
    judge: { steps: 400, batchSize: 32, learningRate: 2e-3 },
    consistency: { steps: 100, batchSize: 16, q: 2, stages: 4, ema: 0.999 },
    recording: { every: 25, count: 256, examples: 5 },
    losses: losses(imageArms, 100, rates),
  },
});

/**
 * The experiment's settings. Under 5 minutes for points and images on 2 cores, and with --quick under one. Images train as in the study of convergence, with the
 * learning rates that it chose on digits and on portraits, but from a denoiser that was trained for less long.
 */
export const plans = {
  points: pointPlans,
  grey: imagePlans({ pixel: 24e-3, MFD: 12e-3, "pixel + MFD": 24e-3 }),
  colour: imagePlans({ pixel: 12e-3, MFD: 24e-3, "pixel + MFD": 12e-3 }),
};

const planFor = ({ shape }: Dataset): keyof typeof plans =>
  shape.length === 1 ? "points" : shape[2] === 1 ? "grey" : "colour";

export interface CompareOptions {
  quick: boolean;
  seed: number;
  /** Of the consistency models; default that of the plan. */
  batchSize?: number | undefined;
  /** Whether the models are given the examples' classes. */
  classConditional: boolean;
  /** Each training's checkpoint is a folder in its folder. */
  place: Workplace;
  /** Folder for the trained consistency models, as files for `tangent-lab sample` and `loadDenoiser`. */
  models: string;
}

/**
 * The experiment: a denoiser, a feature network and, from the same denoiser, consistency models that differ only in their loss: pixels, manifold
 * features, both. Ends early where it is stopped: then the comparison is not complete, and undefined.
 */
export async function compare(data: Dataset, options: CompareOptions): Promise<ComparisonRecord | undefined> {
  const plan = plans[planFor(data)][options.quick ? "quick" : "full"];
  const { place, seed } = options;
  const { signal, follow } = place;

  const { classConditional } = options;
  const denoiser = { ...plan.denoiser, ...(classConditional && { classConditional }) };
  const start = await prepareDenoiser(data, denoiser, seed, place);
  if (signal.aborted) return undefined;
  const features = await prepareFeatures(data, plan.features, seed, place);
  if (signal.aborted) return undefined;
  const judges = plan.judge !== null && (data.numClasses ?? 0) >= 2; // what classifies needs classes
  const judge = judges ? await prepareJudge(data, plan.judge!, seed, place) : undefined;
  if (signal.aborted) return undefined;

  const consistency = { ...plan.consistency, batchSize: options.batchSize ?? plan.consistency.batchSize };
  const shared: ConsistencyTraining = {
    ...{
      from: start,
      objective: ect({ q: consistency.q, stages: consistency.stages }),
      ema: consistency.ema,
    },
    recording: { ...plan.recording, ...(judge && { judge }) },
  };
  const runs: RunRecord[] = [];
  for (const [name, { loss, learningRate }] of Object.entries(plan.losses)) {
    const folder = `${data.name}-${name.replace(/\W+/g, "-")}`;
    const run = train(data, {
      ...{
        ...shared,
        ...stageOptions({ ...consistency, learningRate }, place, seed, join(place.folder, folder)),
        name,
      },
      loss: await lossOf(loss, { features: async () => features }),
    });
    const model = await follow(run, { label: `${data.name}: ${name}`, metric: qualityOf(judge) });
    if (signal.aborted) return undefined;
    await saveDenoiser(join(options.models, `${folder}.safetensors`), model);
    runs.push(model.record);
  }
  return {
    dataset: data.name,
    shape: [...data.shape],
    manifoldDim: data.manifold?.dim ?? null,
    reference: reference(data, seed),
    preparation: records([start, features, judge]),
    runs,
  };
}

const records = (trained: readonly (TrainedDenoiser | TrainedFeatures | undefined)[]): RunRecord[] =>
  trained.flatMap((model) => (model ? [model.record] : []));

/** The name of the metric that decides. */
const qualityOf = (judged: unknown): "frechet" | "slicedWasserstein" =>
  judged ? "frechet" : "slicedWasserstein";

/** Examples to draw beside the samples. */
function reference(data: TrainingData, seed: number): ComparisonRecord["reference"] {
  const count = data.shape.length === 3 ? 256 : 512;
  const { x } = draw(data, random.foldIn(random.key(seed), 4), count);
  return arrayRecord(x, [count, ...data.shape]);
}

/** The three numbers that matter: where the tangents point, how many steps a quality takes, and how good samples become. */
export function headlines(comparisons: readonly ComparisonRecord[]): Headline[] {
  const [first, last] = [comparisons[0]!, comparisons[comparisons.length - 1]!];
  const versus = ({ runs }: ComparisonRecord, of: (run: RunRecord) => string): string =>
    runs.map((run) => `${run.name} ${of(run)}`).join(", ");
  const reference = last.runs[0]!;
  const quality = qualityOf("frechet" in reference.curve[0]!.metrics);
  const title = quality === "frechet" ? "Fréchet distance" : "sliced Wasserstein distance";
  const final = ({ curve }: RunRecord): number => curve.at(-1)!.metrics[quality]!;
  const improved = final(reference) < reference.curve[0]!.metrics[quality]!;
  const steps = ({ curve }: RunRecord): string => {
    const rows = curve.map(({ step, metrics }) => ({ step, value: metrics[quality]! }));
    const reached = stepsTo(rows, final(reference));
    return reached === null ? `not within ${rows.at(-1)!.step}` : String(Math.round(reached));
  };
  return [
    {
      label: `tangent along the manifold, ${first.dataset}`,
      value: versus(first, (run) => rounded(probeMean(run.probes.at(-1)!.parallel))),
      detail: `Share of the tangents' squared norm that is parallel to the manifold at the end of training; chance is ${first.runs[0]!.probeSet!.chance.toPrecision(2)}.`,
    },
    {
      label: `steps to ${reference.name}'s final ${title}, ${last.dataset}`,
      value: improved ? versus(last, steps) : `none: ${reference.name} ended no better than it started`,
      detail: `Until one-step samples are first at ${rounded(final(reference))}, interpolated between recordings.`,
    },
    {
      label: `${title}, ${last.dataset}`,
      value: versus(last, (run) => rounded(final(run))),
      detail: "One-step samples against data at the end of training; lower is better.",
    },
  ];
}

const rounded = (value: number | null): string =>
  value === null ? "none" : String(Number(value.toPrecision(3)));
