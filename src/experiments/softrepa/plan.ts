import type { Stage } from "../prepare.js";
import type { EditPlan } from "./edits.js";
import type { GeneratePlan, InformationPlan } from "./measure.js";

/** The text-to-image flow that all arms share; JSON. */
export type FlowPlan = Stage & {
  /** Height and width of a patch. */
  patch: number;
  layers: number;
  heads: number;
  headDim: number;
  /** Mean of ln(t / (1 - t)) over training; its standard deviation is 1. */
  timeMean: number;
};

/** One way to train soft tokens; JSON. */
export type TokenPlan = {
  /** For legends. */
  name: string;
  /** L and m. */
  layers: number;
  tokens: number;
  /** 0: tokens do not depend on time. */
  timeRows: number;
  steps: number;
  /** Captions that are told apart at a time. */
  batchSize: number;
  learningRate: number;
  positiveWeight: number;
};

/** Everything that decides a trial but its seed; JSON. */
export type SoftRepaPlan = {
  flow: FlowPlan;
  judge: Stage;
  arms: TokenPlan[];
  generate: GeneratePlan;
  information: InformationPlan;
  edit: EditPlan;
  /** Images for the probes of representations; 0: none are made. */
  probes: number;
  /** Captions shown, of each split. */
  examples: number;
};

const softTokens: TokenPlan = {
  ...{ name: "soft tokens", layers: 3, tokens: 4, timeRows: 100 },
  ...{ steps: 400, batchSize: 8, learningRate: 1e-3, positiveWeight: 0 },
};

/** The main job: one seed, one arm beside the flow itself; under 10 minutes on 2 cores, and quick under 90 s. */
export const mainPlan = (quick: boolean): SoftRepaPlan => ({
  flow: {
    ...{ patch: 4, layers: quick ? 3 : 4, heads: 4, headDim: quick ? 16 : 32 },
    ...{ steps: quick ? 500 : 2500, batchSize: 32, learningRate: 2e-3 },
    // Noisier than SD3's 0: one object on a plain background is there at t = 0.5 already, and captions matter before.
    timeMean: 1,
  },
  judge: { steps: quick ? 150 : 400, batchSize: 64, learningRate: 3e-3 },
  arms: [{ ...softTokens, ...(quick && { layers: 2, steps: 60 }) }],
  generate: { images: quick ? 64 : 192, steps: quick ? 10 : 20, guidance: 2 },
  information: { captions: 16, batches: quick ? 2 : 20 },
  edit: {
    ...{ images: quick ? 8 : 48, steps: quick ? 8 : 20, starts: quick ? [6] : [12, 15, 18] },
    ...{ sourceGuidance: 1.5, targetGuidance: 4 },
  },
  probes: quick ? 64 : 400,
  examples: 8,
});
