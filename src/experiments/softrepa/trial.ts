import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { type CaptionedDataset, readOutCeiling } from "../../../datasets/index.js";
import * as random from "../../engine/random.js";
import { check } from "../../errors.js";
import { arrayRecord, type RunRecord } from "../../loop/record.js";
import { trainDualEncoder } from "../../metrics/dual-encoder.js";
import { cosineRestarts } from "../../optim/schedules.js";
import type { FrozenFlow } from "../../softrepa/contrastive.js";
import { saveFlow } from "../../softrepa/flow-file.js";
import * as softrepa from "../../softrepa/index.js";
import { saveTokens } from "../../softrepa/token-file.js";
import type { TrainedTokens } from "../../softrepa/train-tokens.js";
import { stageOptions, type Workplace } from "../prepare.js";
import { drawEdits, editQuality } from "./edits.js";
import { alignment, attentionMaps, type FrozenModel, stepTime } from "./inspect.js";
import { drawPrompts, information, type Judges, quality, type Tokens } from "./measure.js";
import type { SoftRepaPlan } from "./plan.js";
import type { ArmRecord, SoftRepaRecord, SplitName } from "./record.js";

/** What a trial gives; its report adds where and when it was computed. */
export type TrialRecord = Pick<
  SoftRepaRecord,
  "ceiling" | "arms" | "examples" | "strips" | "attention" | "runs"
>;

/** Keys of a seed, by use. */
const Use = { prompts: 10, noise: 11, information: 12, edits: 13, probes: 14 } as const;

/**
 * One seed: trains a flow, the judge, and soft tokens for every arm; then generates, edits and measures with and without them, on the same captions and from the
 * same noise. Undefined where it was stopped.
 * @param models A folder for flow.safetensors and, of each arm, `<name>.safetensors` with dashes for spaces. Default none.
 */
export async function softRepaTrial(
  data: CaptionedDataset,
  plan: SoftRepaPlan,
  seed: number,
  place: Workplace,
  models?: string,
): Promise<TrialRecord | undefined> {
  check(data.readOut !== undefined, "dataset", data.name, "captioned data with a read-out");
  const trained = await trainAll(data, plan, seed, place);
  if (!trained) return undefined;
  const { flow, judges, tokens, runs } = trained;
  if (models !== undefined) await saveModels(models, trained);
  const base = random.key(seed);
  const key = (use: keyof typeof Use): random.Key => random.foldIn(base, Use[use]);
  const splits: SplitName[] = data.heldOut > 0 ? ["seen", "held-out"] : ["seen"];

  const all: { name: string; tokens: Tokens; trained: number }[] = [
    { name: "without tokens", tokens: undefined, trained: 0 },
    ...tokens.map(({ name, tokens }) => ({ name, tokens, trained: tokens.parameters.size })),
  ];
  const arms: ArmRecord[] = all.map(({ name, trained }) => ({
    ...{ name, trained, splits: {}, alignment: null, editing: [], stepTime: 0 },
  }));
  const examples: TrialRecord["examples"] = [];
  for (const split of splits) {
    const prompts = drawPrompts(data, key("prompts"), plan.generate.images, split);
    const shown = Math.min(plan.examples, plan.generate.images);
    const width = data.shape.reduce((a, b) => a * b, 1);
    const example = (images: Float32Array) =>
      arrayRecord(images.slice(0, shown * width), [shown, ...data.shape]);
    const record: TrialRecord["examples"][number] = {
      ...{ split, captions: prompts.captions.slice(0, shown), images: {}, right: {} },
      real: example(prompts.real),
    };
    for (const [i, arm] of all.entries()) {
      const made = await quality(flow, arm.tokens, prompts, plan.generate, judges, key("noise"));
      const known = await information(flow, arm.tokens, data, split, plan.information, key("information"));
      arms[i]!.splits[split] = { ...made.quality, information: known };
      record.images[arm.name] = example(made.images);
      record.right[arm.name] = data.readOut!(made.images.slice(0, shown * width)).map((attributes, j) =>
        Object.entries(prompts.attributes[j]!).every(([name, value]) => attributes[name] === value),
      );
      if (place.signal.aborted) return undefined;
    }
    examples.push(record);
  }

  const tasks = drawEdits(data, key("edits"), plan.edit.images);
  const strips: TrialRecord["strips"] = { source: [], target: [], frames: {} };
  for (const [i, arm] of all.entries()) {
    for (const [j, start] of plan.edit.starts.entries()) {
      const middle = j === Math.floor(plan.edit.starts.length / 2);
      const frames = middle ? Math.min(6, start) : 0;
      const edited = await editQuality(flow, arm.tokens, data, tasks, plan.edit, start, key("noise"), frames);
      arms[i]!.editing.push(edited.quality);
      if (place.signal.aborted) return undefined;
      if (!middle) continue;
      const count = Math.min(4, tasks.source.length);
      const width = data.shape.reduce((a, b) => a * b, 1);
      strips.source = tasks.source.slice(0, count);
      strips.target = tasks.target.slice(0, count);
      strips.frames[arm.name] = [tasks.images, ...edited.frames].map((frame) =>
        arrayRecord(frame.slice(0, count * width), [count, ...data.shape]),
      );
    }
    arms[i]!.stepTime = await stepTime(flow, arm.tokens);
    if (plan.probes > 0)
      arms[i]!.alignment = await alignment(flow, arm.tokens, judges, plan.probes, key("probes"));
  }
  const ceiling = Object.fromEntries(
    splits.map((split) => [split, readOutCeiling(data, key("prompts"), 1000, split)]),
  );
  const attention = await attentionMaps(
    flow,
    all[1]?.tokens,
    data,
    key("prompts"),
    Math.min(plan.examples, 4),
  );
  return { ceiling, arms, examples, strips, attention, runs };
}

interface Trained {
  flow: FrozenModel;
  judges: Judges;
  tokens: { name: string; tokens: TrainedTokens }[];
  runs: RunRecord[];
}

async function trainAll(
  data: CaptionedDataset,
  plan: SoftRepaPlan,
  seed: number,
  place: Workplace,
): Promise<Trained | undefined> {
  const { signal, follow } = place;
  const checkpoint = (name: string): string => join(place.folder, data.name, `seed-${seed}`, name);
  const { patch, layers, heads, headDim, timeMean } = plan.flow;
  const trained = await follow(
    softrepa.trainFlow(data, {
      ...stageOptions(plan.flow, place, seed, checkpoint("flow")),
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
      ...stageOptions(plan.judge, place, seed, checkpoint("judge")),
      ids,
      vocabulary,
    }),
    { label: `${data.name}: dual encoder`, metric: "accuracy" },
  );
  if (signal.aborted) return undefined;

  const tokens: Trained["tokens"] = [];
  for (const arm of plan.arms) {
    const { name, learningRate, ...options } = arm;
    const run = softrepa.trainTokens(data, flow, {
      ...options,
      ...{ name, seed, resume: place.resume, signal, checkpoint: checkpoint(name) },
      learningRate: cosineRestarts(learningRate, Math.ceil(arm.steps / 2)),
    });
    tokens.push({
      name,
      tokens: await follow(run, { label: `${data.name}: ${name}`, metric: "crossEntropy" }),
    });
    if (signal.aborted) return undefined;
  }
  const runs = [trained.record, dual.record, ...tokens.map(({ tokens }) => tokens.record)];
  const judges = { data, dual, ids: (captions: readonly string[]) => captionIds(flow, captions).flat() };
  return { flow, judges, tokens, runs };
}

async function saveModels(folder: string, { flow, tokens }: Trained): Promise<void> {
  await saveFlow(join(folder, "flow.safetensors"), { model: flow, parameters: flow.parameters });
  const shared = flow.network.attention === "cross";
  for (const { name, tokens: trained } of tokens) {
    await saveTokens(join(folder, `${name.replace(/\s+/g, "-")}.safetensors`), trained, { shared });
  }
}

/** Token numbers of captions, a row each. */
function captionIds(flow: FrozenFlow, captions: readonly string[]): number[][] {
  return tf.tidy(() => (flow.tokenize(captions) as tf.Tensor2D).arraySync());
}
