import type { ContrastiveTraining } from "../../softrepa/index.js";
import type { Stage } from "../prepare.js";
import type { EditPlan } from "./edits.js";
import type { InformationPlan } from "./information.js";
import type { GeneratePlan } from "./measure.js";

/** The text-to-image flow that all arms share; JSON. */
export type FlowPlan = Stage & {
  /** One flow for all seeds of a study, as there is one Stable Diffusion: seeds are of the arms' trainings and of what they are measured on. */
  seed: number;
  /** Height and width of a patch. */
  patch: number;
  layers: number;
  heads: number;
  headDim: number;
  /** Mean of ln(t / (1 - t)) over training; its standard deviation is 1. */
  timeMean: number;
};

/** What a contrastive training asks, and when; JSON. See `trainTokens`. */
export type ContrastivePlan = Pick<
  ContrastiveTraining,
  | "logits"
  | "temperature"
  | "positiveWeight"
  | "contrast"
  | "tMin"
  | "tMax"
  | "timesPerStep"
  | "restartEvery"
  | "rateFloor"
> & { negatives?: "attributes" };

type Length = {
  steps: number;
  /** Images of a step; with a contrast, captions that are told apart, too. */
  batchSize: number;
  learningRate: number;
};

/** One way to mend the base with clean pairs; JSON. */
export type ArmPlan = {
  /** For legends. */
  name: string;
} & Length &
  (
    | ({
        trains: "tokens";
        /** L and m. */
        layers: number;
        tokens: number;
        /** 0: tokens do not depend on time. */
        timeRows: number;
      } & ContrastivePlan)
    /** All of the base's own numbers: by the contrastive loss, or as the base itself was trained. */
    | ({ trains: "flow"; by: "contrast" } & ContrastivePlan)
    | { trains: "flow"; by: "denoising" }
  );

/** Everything that decides a trial but its seed; JSON. */
export type SoftRepaPlan = {
  /** Of the base, and of the oracle, which differ in their captions only. */
  flow: FlowPlan;
  /** Share of the pictures whose captions are wrong when the base is trained, and the seed of which and how. */
  corruption: { share: number; seed: number };
  judge: Stage;
  arms: ArmPlan[];
  generate: GeneratePlan;
  information: InformationPlan;
  edit: EditPlan;
  /** Images for the probes of representations; 0: none are made. */
  probes: number;
  /** Captions shown, of each split. */
  examples: number;
};

/** The base as it is, and the flow that is trained in the same way on clean captions: what is between them can be mended. */
export const baseArm = "none";
export const oracleArm = "oracle";

/** The settings that the study argues for: logits that tell near captions apart, times at which captions matter, few rows of time, a floor under the rate. */
const asked = {
  logits: "linear",
  temperature: 0.02,
  ...{ tMin: 0.3, tMax: 0.95, timesPerStep: 4, rateFloor: 1e-5 },
} as const satisfies ContrastivePlan;

/**
 * The arms. Those of soft tokens evaluate about as many pairs of an image and a caption in `steps` steps, 60 or 64 in each: at four times 16 images with their own
 * captions, 4 images with all 4 captions, or 3 images with all 3 captions and 2 hard negatives each; the published form 16 in each of four times as many steps.
 * @param layers of the flow that have soft tokens.
 */
export function everyArm(steps: number, layers = 3): ArmPlan[] {
  const restartEvery = Math.ceil(steps / 2);
  const tokens = { trains: "tokens", layers, tokens: 4, learningRate: 1e-3, steps } as const;
  const contrast = { ...tokens, ...asked, timeRows: 10, batchSize: 4, restartEvery } as const;
  const hard = { negatives: "attributes", batchSize: 3 } as const;
  const { logits: _, temperature: __, ...times } = asked;
  return [
    {
      name: "prompt tuning",
      ...tokens,
      ...times,
      timeRows: 10,
      batchSize: 16,
      restartEvery,
      contrast: false,
    },
    { name: "random negatives", ...contrast },
    { name: "hard negatives", ...contrast, ...hard },
    { name: "hard, positive weight", ...contrast, ...hard, positiveWeight: 10 },
    {
      ...{ name: "published form", ...tokens, timeRows: 100, batchSize: 4, steps: 4 * steps },
      ...{ logits: "exponential", temperature: 0.07, restartEvery: Math.min(5000, 2 * steps) },
    },
    {
      ...{ name: "full, denoising", trains: "flow", by: "denoising" },
      ...{ steps, batchSize: 32, learningRate: 5e-4 },
    },
    {
      ...{ name: "full, contrast", trains: "flow", by: "contrast", ...asked, ...hard },
      ...{ positiveWeight: 10, steps, learningRate: 1e-4, restartEvery },
    },
  ];
}

/** The study: base and oracle take ten minutes each on one core, and then a seed about an hour. */
export const studyPlan: SoftRepaPlan = {
  flow: {
    ...{ patch: 2, layers: 4, heads: 4, headDim: 16, timeMean: 0.5 },
    ...{ steps: 4000, batchSize: 32, learningRate: 3e-3, schedule: "constant", seed: 0 },
  },
  // Of the seeds that were tried for flow and captions this base and its oracle learn which colour belongs to which object; others of this size do not.
  corruption: { share: 0.3, seed: 10 },
  judge: { steps: 600, batchSize: 64, learningRate: 3e-3 },
  arms: everyArm(1000),
  generate: {
    ...{ images: 1024, steps: 20, guidance: 1 },
    ...{ curve: { images: 256, guidance: [1, 1.5, 2, 3, 4, 6] } },
  },
  information: { captions: 8, times: [0.1, 0.3, 0.5, 0.7, 0.9], draws: 40, fit: 20 },
  edit: { images: 64, steps: 20, starts: [12, 15, 18], sourceGuidance: 1.5, targetGuidance: 4 },
  probes: 400,
  examples: 8,
};

/** The main job: one seed, four arms; under 10 minutes on 2 cores once the study's base and oracle are in the cache. */
export const jobPlan: SoftRepaPlan = {
  ...studyPlan,
  judge: { ...studyPlan.judge, steps: 300 },
  arms: chosenArms(300, ["prompt tuning", "hard negatives", "full, denoising"]),
  generate: {
    ...{ images: 192, steps: 16, guidance: 1 },
    ...{ curve: { images: 96, guidance: [1, 2, 4] } },
  },
  information: { ...studyPlan.information, times: [0.3, 0.6, 0.9], draws: 5, fit: 5 },
  edit: { ...studyPlan.edit, images: 24, steps: 16, starts: [12] },
  probes: 200,
};

/** Small enough for continuous integration; its numbers say nothing. */
export const quickPlan: SoftRepaPlan = {
  ...studyPlan,
  flow: { ...studyPlan.flow, patch: 4, layers: 2, heads: 2, headDim: 16, steps: 40 },
  judge: { ...studyPlan.judge, steps: 20 },
  arms: chosenArms(6, ["prompt tuning", "hard negatives", "full, denoising"], 2),
  generate: { images: 16, steps: 3, guidance: 1, curve: { images: 8, guidance: [1, 3] } },
  information: { captions: 4, times: [0.5], draws: 1, fit: 1 },
  edit: { ...studyPlan.edit, images: 5, steps: 4, starts: [3] },
  probes: 32,
  examples: 4,
};

/** The same for the study, which has three seeds: less is measured of each arm. */
export const quickStudyPlan: SoftRepaPlan = {
  ...quickPlan,
  edit: { ...quickPlan.edit, starts: [] },
  probes: 0,
};

function chosenArms(steps: number, names: readonly string[], layers?: number): ArmPlan[] {
  return everyArm(steps, layers).filter(({ name }) => names.includes(name));
}
