import type { CaptionedDataset } from "../../../datasets/index.js";
import * as random from "../../engine/random.js";
import { arrayRecord } from "../../loop/record.js";
import type { Arm } from "./base.js";
import { drawEdits, type EditTasks, editQuality } from "./edits.js";
import type { ExamplesRecord, SplitName } from "./examples-record.js";
import { information } from "./information.js";
import { alignment, stepTime } from "./inspect.js";
import {
  drawPrompts,
  firstOf,
  type GuidedQuality,
  type Judges,
  type Prompts,
  quality,
  qualityOf,
} from "./measure.js";
import type { SoftRepaPlan } from "./plan.js";
import type { ArmRecord } from "./record.js";
import { rightOf } from "./verdicts.js";

/** Keys of a seed, by use. */
const Use = { prompts: 10, noise: 11, information: 12, edits: 13, probes: 14 } as const;

/** The key of a seed for a use: the same for all arms, which are measured on the same captions and from the same noise. */
export const keyOf = (seed: number, use: keyof typeof Use): random.Key =>
  random.foldIn(random.key(seed), Use[use]);

/** The parts of the data that captions are drawn from. */
export const splitsOf = (data: CaptionedDataset): SplitName[] =>
  data.heldOut > 0 ? ["seen", "held-out"] : ["seen"];

/** What an arm is measured on. */
export interface Tasks {
  prompts: Map<SplitName, Prompts>;
  edits: EditTasks;
}

/** The tasks of a seed. */
export const drawTasks = (data: CaptionedDataset, plan: SoftRepaPlan, seed: number): Tasks => ({
  prompts: new Map(
    splitsOf(data).map((split) => [
      split,
      drawPrompts(data, keyOf(seed, "prompts"), plan.generate.images, split),
    ]),
  ),
  edits: drawEdits(data, keyOf(seed, "edits"), plan.edit.images),
});

/** An arm's numbers, and what it drew. */
export interface Measured {
  record: ArmRecord;
  /** Generated for the tasks' prompts, flat. */
  images: Map<SplitName, Float32Array>;
  /** Of the middle one of the starts: from the source to the edited images. */
  frames: Float32Array[];
}

/** Generates, edits and measures with an arm's flow and its tokens, if it has any. Undefined where it was stopped. */
export async function measureArm(
  { name, flow, tokens, trained }: Arm,
  judges: Judges,
  { prompts, edits }: Tasks,
  plan: SoftRepaPlan,
  seed: number,
  signal: AbortSignal,
): Promise<Measured | undefined> {
  const { data } = judges;
  const record: ArmRecord = {
    ...{ name, trained, splits: {}, curve: [], alignment: null, editing: [], stepTime: 0 },
  };
  const images = new Map<SplitName, Float32Array>();
  for (const [split, asked] of prompts) {
    const made = await quality(flow, tokens, asked, plan.generate, judges, keyOf(seed, "noise"));
    const known = await information(flow, tokens, data, split, plan.information, keyOf(seed, "information"));
    record.splits[split] = { ...made.quality, information: known };
    images.set(split, made.images);
    if (signal.aborted) return undefined;
  }
  const { curve, guidance, steps } = plan.generate;
  const asked = firstOf(prompts.get("seen")!, curve.images);
  for (const each of curve.guidance) {
    // The first pictures of all are there already with one of the guidances.
    const again = (): Promise<GuidedQuality> =>
      quality(flow, tokens, asked, { steps, guidance: each }, judges, keyOf(seed, "noise")).then(
        (made) => made.quality,
      );
    const first = images.get("seen")!.subarray(0, asked.real.length);
    record.curve.push(
      each === guidance ? { guidance, ...(await qualityOf(first, asked, judges)) } : await again(),
    );
    if (signal.aborted) return undefined;
  }
  let frames: Float32Array[] = [];
  for (const [j, start] of plan.edit.starts.entries()) {
    const middle = j === Math.floor(plan.edit.starts.length / 2);
    const wanted = middle ? Math.min(6, start) : 0;
    const edited = await editQuality(
      flow,
      tokens,
      data,
      edits,
      plan.edit,
      start,
      keyOf(seed, "noise"),
      wanted,
    );
    record.editing.push(edited.quality);
    if (middle) frames = [edits.images, ...edited.frames];
    if (signal.aborted) return undefined;
  }
  record.stepTime = await stepTime(flow, tokens);
  if (plan.probes > 0)
    record.alignment = await alignment(flow, tokens, judges, plan.probes, keyOf(seed, "probes"));
  return { record, images, frames };
}

/** The first pictures of an arm, for each split. */
export const examplesOf = (
  data: CaptionedDataset,
  plan: SoftRepaPlan,
  { prompts }: Tasks,
  { record, images }: Measured,
): ExamplesRecord[] =>
  [...prompts].map(([split, asked]) => {
    const shown = Math.min(plan.examples, plan.generate.images);
    const size = data.shape.reduce((a, b) => a * b, 1);
    const some = (values: Float32Array) => arrayRecord(values.slice(0, shown * size), [shown, ...data.shape]);
    const { right } = record.splits[split]!;
    return {
      split,
      captions: asked.captions.slice(0, shown),
      real: some(asked.real),
      images: { [record.name]: some(images.get(split)!) },
      right: { [record.name]: rightOf({ right: right.slice(0, shown) }) },
    };
  });

/** All numbers of an arm, by what they measure. */
export function measuresOf({
  splits,
  curve,
  alignment,
  editing,
  stepTime,
  trained,
}: ArmRecord): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [split, quality] of Object.entries(splits)) {
    const { agreement, bound, repeated, dualScore, frechet, information } = quality;
    out[`${split}: all attributes right`] = agreement.overall;
    out[`${split}: no binding swapped`] = bound;
    for (const [name, share] of Object.entries(agreement.byAttribute)) out[`${split}: ${name} right`] = share;
    out[`${split}: one object twice`] = repeated;
    out[`${split}: dual encoder`] = dualScore;
    out[`${split}: Fréchet distance`] = frechet;
    out[`${split}: information, nats`] = information.bound;
    out[`${split}: captions told apart`] = information.accuracy;
  }
  for (const { guidance, agreement, frechet } of curve) {
    out[`guidance ${guidance}: all attributes right`] = agreement.overall;
    out[`guidance ${guidance}: Fréchet distance`] = frechet;
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
  out["trained numbers"] = trained;
  return out;
}
