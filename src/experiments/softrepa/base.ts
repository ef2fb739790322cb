import type { CaptionedDataset } from "../../../datasets/index.js";
import { check } from "../../errors.js";
import type { RunRecord } from "../../loop/record.js";
import { type TrainedDualEncoder, trainDualEncoder } from "../../metrics/dual-encoder.js";
import * as softrepa from "../../softrepa/index.js";
import type { TrainedFlow } from "../../softrepa/train-flow.js";
import type { TrainedTokens } from "../../softrepa/train-tokens.js";
import { prepare, stageOptions, type Workplace } from "../prepare.js";
import type { Judges } from "./measure.js";
import { type ArmPlan, baseArm, type FlowPlan, oracleArm, type SoftRepaPlan } from "./plan.js";

/** Something that draws what captions say: a flow, or a frozen one with soft tokens. */
export interface Arm {
  name: string;
  flow: TrainedFlow;
  tokens: TrainedTokens | undefined;
  /** Numbers trained for it. */
  trained: number;
  /** Of its own training; undefined for the base. */
  run: RunRecord | undefined;
}

/** Pictures are judged by the same networks with every seed. */
const judgeSeed = 0;

/** What judges pictures: the data's own read-out and, for distances, a dual encoder trained on clean captions. Undefined where it was stopped. */
export async function prepareJudges(
  data: CaptionedDataset,
  plan: SoftRepaPlan["judge"],
  place: Workplace,
): Promise<(Judges & { dual: TrainedDualEncoder }) | undefined> {
  check(data.readOut !== undefined, "dataset", data.name, "captioned data with a read-out");
  const text = softrepa.captionEncoder(data.captions);
  const rows = (captions: readonly string[]): number[][] => {
    const ids = text.tokenize(captions);
    const [count, length] = ids.shape as [number, number];
    const values = ids.dataSync();
    ids.dispose();
    return Array.from({ length: count }, (_, i) => Array.from(values.subarray(i * length, (i + 1) * length)));
  };
  const ids = rows(data.captions);
  const vocabulary = ids.reduce((most, row) => Math.max(most, ...row), 0) + 1;
  const dual = await prepare(
    { data, plan, seed: judgeSeed, place, name: "dual-encoder", metric: "accuracy" },
    (options) => trainDualEncoder(data, { ...options, ids, vocabulary }),
  );
  if (place.signal.aborted) return undefined;
  return { data, dual, ids: (captions) => rows(captions).flat() };
}

/** The flow that arms mend, trained with a share of wrong captions; without, the oracle. Undefined where it was stopped. */
export async function prepareFlow(
  data: CaptionedDataset,
  plan: FlowPlan,
  corruption: SoftRepaPlan["corruption"] | undefined,
  place: Workplace,
): Promise<TrainedFlow | undefined> {
  const { patch, layers, heads, headDim, timeMean, seed } = plan;
  const shown = corruption ? softrepa.corruptCaptions(data, corruption) : data;
  const name = corruption ? baseArm : oracleArm;
  const flow = await prepare({ data: shown, plan, seed, place, name: "flow", metric: "loss" }, (options) =>
    softrepa.trainFlow(shown, {
      ...options,
      ...{ name, patch, layers, heads, headDim, qkNorm: true, time: { mean: timeMean, std: 1 } },
    }),
  );
  return place.signal.aborted ? undefined : flow;
}

/** The base or the oracle, as it is measured. */
export const untuned = (name: string, flow: TrainedFlow): Arm => ({
  name,
  flow,
  tokens: undefined,
  trained: name === oracleArm ? flow.parameters.size : 0,
  run: flow.record,
});

/** Mends the base with clean pairs, with the checkpoint in the folder. Undefined where it was stopped. */
export async function trainArm(
  data: CaptionedDataset,
  base: TrainedFlow,
  plan: ArmPlan,
  timeMean: number,
  seed: number,
  place: Workplace,
  checkpoint: string,
): Promise<Arm | undefined> {
  const { signal, resume } = place;
  const { name, steps, batchSize, learningRate } = plan;
  const common = { name, steps, batchSize, seed, resume, signal, checkpoint };
  const label = { label: `${data.name}: ${name}`, metric: "loss" };
  let arm: Arm;
  if (plan.trains === "tokens") {
    const { trains: _, ...options } = plan;
    const tokens = await place.follow(softrepa.trainTokens(data, base, { ...options, ...common }), label);
    arm = { name, flow: base, tokens, trained: tokens.parameters.size, run: tokens.record };
  } else {
    const run =
      plan.by === "denoising"
        ? softrepa.trainFlow(data, {
            ...stageOptions({ steps, batchSize, learningRate }, place, seed, checkpoint),
            ...{ name, from: base, time: { mean: timeMean, std: 1 } },
          })
        : softrepa.tuneFlow(data, base, { ...tuningOf(plan), ...common });
    const flow = await place.follow(run, label);
    arm = { name, flow, tokens: undefined, trained: flow.parameters.size, run: flow.record };
  }
  return signal.aborted ? undefined : arm;
}

function tuningOf(plan: ArmPlan & { trains: "flow"; by: "contrast" }): softrepa.FlowTuning {
  const { trains: _, by: __, ...options } = plan;
  return options;
}
