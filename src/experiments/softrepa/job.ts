import { join } from "node:path";
import { type CaptionedDataset, readOutCeiling } from "../../../datasets/index.js";
import type { Json } from "../../io/checkpoint.js";
import { arrayRecord } from "../../loop/record.js";
import { saveFlow } from "../../softrepa/flow-file.js";
import { saveTokens } from "../../softrepa/token-file.js";
import type { Workplace } from "../prepare.js";
import { trainingName } from "../weights.js";
import { drawTasks, examplesOf, keyOf, type Measured, measureArm, splitsOf, type Tasks } from "./arm.js";
import { type Arm, prepareFlow, prepareJudges, trainArm, untuned } from "./base.js";
import type { ExamplesRecord } from "./examples-record.js";
import { attentionMaps } from "./inspect.js";
import { mendedOf } from "./mended.js";
import { baseArm, oracleArm, type SoftRepaPlan } from "./plan.js";
import type { SoftRepaRecord } from "./record.js";

/** What the job gives; its report adds where and when it was computed. */
export type JobRecord = Pick<
  SoftRepaRecord,
  "ceiling" | "arms" | "mended" | "examples" | "strips" | "attention" | "runs"
>;

/**
 * One seed: trains a flow on captions of which a share is wrong, the same on clean ones, the judge, and each arm, which mends the first flow with clean pairs; then
 * generates, edits and measures with all of them, on the same captions and from the same noise. Undefined where it was stopped.
 * @param models A folder for flow.safetensors, the base, and of each arm `<name>.safetensors` with dashes for spaces: soft tokens, or a whole flow. Default none.
 */
export async function softRepaJob(
  data: CaptionedDataset,
  plan: SoftRepaPlan,
  seed: number,
  place: Workplace,
  models?: string,
): Promise<JobRecord | undefined> {
  const judges = await prepareJudges(data, plan.judge, place);
  const oracle = judges && (await prepareFlow(data, plan.flow, undefined, place));
  const base = oracle && (await prepareFlow(data, plan.flow, plan.corruption, place));
  if (!base) return undefined;
  const arms: Arm[] = [untuned(baseArm, base)];
  for (const arm of plan.arms) {
    // Named by all that decides it: that of a run before this one, with another plan, is not taken for its own when it resumes.
    const decided = { arm, flow: plan.flow, corruption: plan.corruption, seed } as unknown as Json;
    const id = await trainingName(`${data.name}-${fileName(arm.name)}-seed-${seed}`, data, decided);
    const checkpoint = join(place.folder, id);
    const trained = await trainArm(data, base, arm, plan.flow.timeMean, seed, place, checkpoint);
    if (!trained) return undefined;
    arms.push(trained);
  }
  arms.push(untuned(oracleArm, oracle));
  if (models !== undefined) await saveModels(models, arms);
  const tasks = drawTasks(data, plan, seed);
  const measured: Measured[] = [];
  for (const arm of arms) {
    const one = await measureArm(arm, judges, tasks, plan, seed, place.signal);
    if (!one) return undefined;
    measured.push(one);
  }
  const withTokens = arms.find(({ tokens }) => tokens !== undefined);
  const shown = Math.min(plan.examples, 4);
  const records = measured.map(({ record }) => record);
  return {
    ceiling: Object.fromEntries(
      splitsOf(data).map((split) => [split, readOutCeiling(data, keyOf(seed, "prompts"), 1000, split)]),
    ),
    arms: records,
    mended: mendedOf([{ seed, arms: records }]),
    examples: joinExamples(measured.map((one) => examplesOf(data, plan, tasks, one))),
    strips: stripsOf(data, tasks, measured),
    attention: await attentionMaps(base, withTokens?.tokens, data, keyOf(seed, "prompts"), shown),
    runs: [judges.dual.record, ...arms.flatMap(({ run }) => (run ? [run] : []))],
  };
}

/** The same captions as several arms draw them, in one record for each split. */
export const joinExamples = (byArm: readonly (readonly ExamplesRecord[])[]): ExamplesRecord[] =>
  (byArm[0] ?? []).map((first, i) => ({
    ...first,
    images: Object.assign({}, ...byArm.map((examples) => examples[i]!.images)),
    right: Object.assign({}, ...byArm.map((examples) => examples[i]!.right)),
  }));

/** The first edits, frame by frame. */
function stripsOf(
  data: CaptionedDataset,
  { edits }: Tasks,
  measured: readonly Measured[],
): JobRecord["strips"] {
  const count = Math.min(4, edits.source.length);
  const size = data.shape.reduce((a, b) => a * b, 1);
  return {
    source: edits.source.slice(0, count),
    target: edits.target.slice(0, count),
    frames: Object.fromEntries(
      measured.map(({ record, frames }) => [
        record.name,
        frames.map((frame) => arrayRecord(frame.slice(0, count * size), [count, ...data.shape])),
      ]),
    ),
  };
}

const fileName = (arm: string): string => arm.replace(/[^\w]+/g, "-");

async function saveModels(folder: string, arms: readonly Arm[]): Promise<void> {
  for (const { name, flow, tokens } of arms) {
    const path = join(folder, `${name === baseArm ? "flow" : fileName(name)}.safetensors`);
    if (tokens) await saveTokens(path, tokens, { shared: flow.network.attention === "cross" });
    else await saveFlow(path, flow);
  }
}
