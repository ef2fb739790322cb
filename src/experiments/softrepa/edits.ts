import * as tf from "@tensorflow/tfjs-core";
import type { Attributes, CaptionedDataset } from "../../../datasets/index.js";
import * as random from "../../engine/random.js";
import { check } from "../../errors.js";
import type { FrozenFlow } from "../../softrepa/contrastive.js";
import { edit } from "../../softrepa/editing.js";
import type { Tokens } from "./measure.js";

/** Images with what shall change: one attribute each. */
export interface EditTasks {
  images: Float32Array;
  source: string[];
  target: string[];
  from: Attributes[];
  to: Attributes[];
}

/** Draws images whose caption is to become that of an example that differs in exactly one attribute. */
export function drawEdits(data: CaptionedDataset, key: random.Key, count: number): EditTasks {
  const pool = data.sample(random.foldIn(key, 0), 40 * count + 2000);
  const width = data.shape.reduce((a, b) => a * b, 1);
  const tasks: EditTasks = {
    images: new Float32Array(count * width),
    source: [],
    target: [],
    from: [],
    to: [],
  };
  for (let i = 0; i < pool.captions.length && tasks.source.length < count; i++) {
    const here = pool.attributes[i]!;
    const names = Object.keys(here);
    // Each attribute has its turn.
    const changed = names[tasks.source.length % names.length]!;
    const j = pool.attributes.findIndex((there) =>
      names.every((name) => (name === changed) !== (here[name] === there[name])),
    );
    if (j < 0) continue;
    tasks.images.set(pool.x.subarray(i * width, (i + 1) * width), tasks.source.length * width);
    tasks.source.push(pool.captions[i]!);
    tasks.target.push(pool.captions[j]!);
    tasks.from.push(here);
    tasks.to.push(pool.attributes[j]!);
  }
  check(tasks.source.length === count, "edits", count, `at most ${tasks.source.length} of this dataset`);
  return tasks;
}

/** Agreement with the target against preservation of the source; JSON. */
export type EditQuality = {
  /** Level from which editing starts, as a share of the way: more of it changes more. */
  start: number;
  /** Share of images whose attribute became what the target asks. */
  changed: number;
  /** Share of the other attributes that stayed. */
  kept: number;
  /** Share of images with all attributes as the target asks. */
  target: number;
  /** Root mean square of the change, over pixels and images in [-1, 1]. */
  distance: number;
};

export type EditPlan = {
  images: number;
  steps: number;
  /** n_start, each tried. */
  starts: number[];
  sourceGuidance: number;
  targetGuidance: number;
};

/** Edits all tasks at one start, and reads out what became of them. */
export async function editQuality(
  flow: FrozenFlow,
  tokens: Tokens,
  data: CaptionedDataset,
  tasks: EditTasks,
  plan: EditPlan,
  start: number,
  key: random.Key,
  frames = 0,
): Promise<{ quality: EditQuality; images: Float32Array; frames: Float32Array[] }> {
  const count = tasks.source.length;
  const images = tf.tensor(tasks.images, [count, ...data.shape]);
  const { steps, sourceGuidance, targetGuidance } = plan;
  const { source, target } = tasks;
  const result = await edit(flow, {
    images,
    source,
    target,
    steps,
    start,
    sourceGuidance,
    targetGuidance,
    guidanceForm: "flowedit",
    tokens,
    frames,
    key,
  });
  const values = (tensor: tf.Tensor): Float32Array => (tensor.dataSync() as Float32Array).slice();
  const edited = values(result.images as tf.Tensor);
  const strip = result.frames.map((frame) => values(frame as tf.Tensor));
  tf.dispose([images, result.images, ...result.frames] as tf.Tensor[]);

  const shown = data.readOut!(edited);
  const sums = { changed: 0, kept: 0, keepable: 0, target: 0 };
  for (const [i, attributes] of shown.entries()) {
    const [from, to] = [tasks.from[i]!, tasks.to[i]!];
    const names = Object.keys(to);
    for (const name of names) {
      if (from[name] !== to[name]) sums.changed += attributes[name] === to[name] ? 1 : 0;
      else {
        sums.keepable++;
        sums.kept += attributes[name] === to[name] ? 1 : 0;
      }
    }
    sums.target += names.every((name) => attributes[name] === to[name]) ? 1 : 0;
  }
  const square = edited.reduce((sum, value, i) => sum + (value - tasks.images[i]!) ** 2, 0) / edited.length;
  return {
    quality: {
      start: start / steps,
      changed: sums.changed / count,
      kept: sums.kept / Math.max(1, sums.keepable),
      target: sums.target / count,
      distance: Math.sqrt(square),
    },
    images: edited,
    frames: strip,
  };
}
