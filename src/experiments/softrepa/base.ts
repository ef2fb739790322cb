import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import type { CaptionedDataset } from "../../../datasets/index.js";
import { check } from "../../errors.js";
import type { RunRecord } from "../../loop/record.js";
import { trainDualEncoder } from "../../metrics/dual-encoder.js";
import { cosineRestarts } from "../../optim/schedules.js";
import type { FrozenFlow } from "../../softrepa/contrastive.js";
import * as softrepa from "../../softrepa/index.js";
import type { TrainedTokens } from "../../softrepa/train-tokens.js";
import { stageOptions, type Workplace } from "../prepare.js";
import type { FrozenModel } from "./inspect.js";
import type { Judges } from "./measure.js";
import type { SoftRepaPlan, TokenPlan } from "./plan.js";

/** What all arms of a seed have in common. */
export interface Base {
  flow: FrozenModel;
  judges: Judges;
  /** Of the flow and the dual encoder. */
  runs: RunRecord[];
}

/** Trains the flow, which is frozen then, and the dual encoder that judges, with checkpoints in the folder. Undefined where it was stopped. */
export async function trainBase(
  data: CaptionedDataset,
  plan: Pick<SoftRepaPlan, "flow" | "judge">,
  seed: number,
  place: Workplace,
  folder: string,
): Promise<Base | undefined> {
  check(data.readOut !== undefined, "dataset", data.name, "captioned data with a read-out");
  const { signal, follow } = place;
  const { patch, layers, heads, headDim, timeMean } = plan.flow;
  const trained = await follow(
    softrepa.trainFlow(data, {
      ...stageOptions(plan.flow, place, seed, join(folder, "flow")),
      patch,
      layers,
      heads,
      headDim,
      qkNorm: true,
      time: { mean: timeMean, std: 1 },
    }),
    { label: `${data.name}: flow`, metric: "loss" },
  );
  if (signal.aborted) return undefined;
  const flow = trained.model.freeze(trained.parameters);
  const ids = captionIds(flow, data.captions);
  const vocabulary = ids.reduce((most, row) => Math.max(most, ...row), 0) + 1;
  const dual = await follow(
    trainDualEncoder(data, {
      ...stageOptions(plan.judge, place, seed, join(folder, "judge")),
      ids,
      vocabulary,
    }),
    { label: `${data.name}: dual encoder`, metric: "accuracy" },
  );
  if (signal.aborted) return undefined;
  const judges = { data, dual, ids: (captions: readonly string[]) => captionIds(flow, captions).flat() };
  return { flow, judges, runs: [trained.record, dual.record] };
}

/** Trains soft tokens for the frozen flow, with the checkpoint in the folder. Undefined where it was stopped. */
export async function trainArm(
  data: CaptionedDataset,
  { flow }: Base,
  { name, learningRate, ...options }: TokenPlan,
  seed: number,
  place: Workplace,
  checkpoint: string,
): Promise<TrainedTokens | undefined> {
  const { resume, signal } = place;
  const run = softrepa.trainTokens(data, flow, {
    ...options,
    name,
    seed,
    resume,
    signal,
    checkpoint,
    learningRate: cosineRestarts(learningRate, Math.ceil(options.steps / 2)),
  });
  const tokens = await place.follow(run, { label: `${data.name}: ${name}`, metric: "crossEntropy" });
  return signal.aborted ? undefined : tokens;
}

/** Token numbers of captions, a row each. */
function captionIds(flow: FrozenFlow, captions: readonly string[]): number[][] {
  return tf.tidy(() => (flow.tokenize(captions) as tf.Tensor2D).arraySync());
}
