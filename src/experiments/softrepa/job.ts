import { join } from "node:path";
import { type CaptionedDataset, readOutCeiling } from "../../../datasets/index.js";
import { arrayRecord } from "../../loop/record.js";
import { saveFlow } from "../../softrepa/flow-file.js";
import { saveTokens } from "../../softrepa/token-file.js";
import type { TrainedTokens } from "../../softrepa/train-tokens.js";
import type { Workplace } from "../prepare.js";
import { drawTasks, keyOf, type Measured, measureArm, splitsOf, type Tasks } from "./arm.js";
import { type Base, trainArm, trainBase } from "./base.js";
import { attentionMaps } from "./inspect.js";
import type { SoftRepaPlan } from "./plan.js";
import type { SoftRepaRecord, SplitName } from "./record.js";

/** What the job gives; its report adds where and when it was computed. */
export type JobRecord = Pick<
  SoftRepaRecord,
  "ceiling" | "arms" | "examples" | "strips" | "attention" | "runs"
>;

/** The name of the arm that has no tokens. */
export const withoutTokens = "without tokens";

/**
 * One seed: trains a flow, the judge, and soft tokens for every arm; then generates, edits and measures with and without them, on the same captions and from the
 * same noise. Undefined where it was stopped.
 * @param models A folder for flow.safetensors and, of each arm, `<name>.safetensors` with dashes for spaces. Default none.
 */
export async function softRepaJob(
  data: CaptionedDataset,
  plan: SoftRepaPlan,
  seed: number,
  place: Workplace,
  models?: string,
): Promise<JobRecord | undefined> {
  const folder = join(place.folder, data.name, `seed-${seed}`);
  const base = await trainBase(data, plan, seed, place, folder);
  if (!base) return undefined;
  const arms: Arm[] = [{ name: withoutTokens, tokens: undefined }];
  for (const arm of plan.arms) {
    const tokens = await trainArm(data, base, arm, seed, place, join(folder, arm.name));
    if (!tokens) return undefined;
    arms.push({ name: arm.name, tokens });
  }
  if (models !== undefined) await saveModels(models, base, arms);
  const tasks = drawTasks(data, plan, seed);
  const measured: Measured[] = [];
  for (const arm of arms) {
    const one = await measureArm(arm, base, tasks, plan, seed, place.signal);
    if (!one) return undefined;
    measured.push(one);
  }
  const [, first] = arms;
  const shown = Math.min(plan.examples, 4);
  return {
    ceiling: Object.fromEntries(
      splitsOf(data).map((split) => [split, readOutCeiling(data, keyOf(seed, "prompts"), 1000, split)]),
    ),
    arms: measured.map(({ record }) => record),
    examples: examplesOf(data, plan, tasks, measured),
    strips: stripsOf(data, tasks, measured),
    attention: await attentionMaps(base.flow, first?.tokens, data, keyOf(seed, "prompts"), shown),
    runs: [...base.runs, ...arms.flatMap(({ tokens }) => (tokens ? [tokens.record] : []))],
  };
}

interface Arm {
  name: string;
  tokens: TrainedTokens | undefined;
}

/** The same captions, as each arm draws them. */
const examplesOf = (
  data: CaptionedDataset,
  plan: SoftRepaPlan,
  { prompts }: Tasks,
  measured: readonly Measured[],
): JobRecord["examples"] =>
  [...prompts].map(([split, { captions, attributes, real }]) => {
    const shown = Math.min(plan.examples, plan.generate.images);
    const size = data.shape.reduce((a, b) => a * b, 1);
    const some = (images: Float32Array) => images.slice(0, shown * size);
    const byArm = <T>(of: (images: Float32Array) => T): Record<string, T> =>
      Object.fromEntries(
        measured.map(({ record, images }) => [record.name, of(some(images.get(split as SplitName)!))]),
      );
    return {
      split,
      captions: captions.slice(0, shown),
      real: arrayRecord(some(real), [shown, ...data.shape]),
      images: byArm((images) => arrayRecord(images, [shown, ...data.shape])),
      right: byArm((images) =>
        data.readOut!(images).map((read, j) =>
          Object.entries(attributes[j]!).every(([name, value]) => read[name] === value),
        ),
      ),
    };
  });

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

async function saveModels(folder: string, { flow }: Base, arms: readonly Arm[]): Promise<void> {
  await saveFlow(join(folder, "flow.safetensors"), { model: flow, parameters: flow.parameters });
  const shared = flow.network.attention === "cross";
  for (const { name, tokens } of arms)
    if (tokens)
      await saveTokens(join(folder, `${name.replace(/\s+/g, "-")}.safetensors`), tokens, { shared });
}
