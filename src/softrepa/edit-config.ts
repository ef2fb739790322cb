import * as tf from "@tensorflow/tfjs-core";
import type * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";
import { checkCaptions, negativeCaptions } from "./captions.js";
import { checkFlow, checkSoft, type FrozenFlow } from "./frozen-flow.js";
import { checkImages } from "./image-size.js";
import { flowLevels, type LevelsConfig } from "./levels.js";
import type { LoadedTokens } from "./token-file.js";

/** What the target's guidance s (v - v0) is added to: the velocity with the caption, or the one without. */
export type GuidanceForm = "softrepa" | "flowedit";

/** Options of `edit`. */
export interface EditConfig extends LevelsConfig {
  /** Images to edit [n, ...shape] in [-1, 1], or of other sizes that the network takes. */
  images: Tensor;
  /** What each image shows. */
  source: readonly string[];
  /** What it shall show. */
  target: readonly string[];
  /** n_start: how many of the N steps are gone through, 1 ... steps; more of them change more. Default 3/4 of `steps`. */
  start?: number;
  /** n_min: how many of these, the last ones, are ordinary sampling along the target's velocity, 0 ... start. Default 0. */
  nMin?: number;
  /** n_avg: noises of each step, whose differences of velocities are averaged. Default 1. */
  nAvg?: number;
  /** s_src. Default 1.5. */
  sourceGuidance?: number;
  /** s_tgt. Default 4, and 5 in the form "flowedit", which is the same velocity. */
  targetGuidance?: number;
  /**
   * Guidance of the target: "softrepa" adds s (v - v0) to the velocity v with the caption, as SoftREPA's published editor does; "flowedit" adds it to v0, the
   * one without, as FlowEdit does. The source's is v0 + s (v - v0) in both. Default "softrepa".
   */
  guidanceForm?: GuidanceForm;
  /** What guidance leads away from, on both sides: one caption for all images, or one for each. Default the empty caption. */
  negativePrompt?: string | readonly string[];
  /** Soft tokens for both captions. Default none. */
  tokens?: Pick<LoadedTokens, "model" | "parameters"> | undefined;
  /** How many intermediate images to keep besides the source, at most n_start. Default 0. */
  frames?: number;
  key: random.Key;
}

/** The settings with their defaults; guidance as factors of v - v0 on v0. @throws TangentLabError `invalid-argument`. */
export function checkedEdit(
  flow: FrozenFlow,
  config: Omit<EditConfig, "key">,
): Required<Pick<EditConfig, "images" | "source" | "target" | "start" | "frames" | "nMin" | "nAvg">> &
  Pick<EditConfig, "tokens"> & { levels: number[]; scales: [number, number]; negatives: readonly string[] } {
  const { images, source, target, steps = 20, frames = 0, nMin = 0, nAvg = 1, tokens } = config;
  const { start = Math.ceil(0.75 * steps), sourceGuidance = 1.5, guidanceForm = "softrepa" } = config;
  check(
    guidanceForm === "softrepa" || guidanceForm === "flowedit",
    "guidanceForm",
    guidanceForm,
    '"softrepa" or "flowedit"',
  );
  checkFlow(flow);
  check.count("steps", steps); // before a start is made of them
  const onTop = guidanceForm === "softrepa" ? 1 : 0;
  const { targetGuidance = 5 - onTop } = config;
  check(images instanceof tf.Tensor, "images", images, "a tensor of images");
  checkImages("images.shape", images.shape, flow);
  const count = images.shape[0]!;
  check(count >= 1, "images.shape", images.shape, "one or more images");
  const finite = images.dataSync().every(Number.isFinite);
  check(finite, "images", "numbers that are not finite", "finite ones, in [-1, 1]");
  for (const [name, captions] of Object.entries({ source, target })) {
    check(typeof captions !== "string", name, captions, "a list of captions, one for each image: [caption]");
    check(
      captions?.length === count,
      name,
      `${captions?.length ?? "no"} captions`,
      `${count}, one for each image`,
    );
    checkCaptions(name, captions);
  }
  const levels = flowLevels({ ...config, steps });
  const whole = (name: string, value: number, least: number, most = Number.POSITIVE_INFINITY): void =>
    check(
      Number.isInteger(value) && value >= least && value <= most,
      name,
      value,
      Number.isFinite(most) ? `an integer from ${least} to ${most}` : `an integer >= ${least}`,
    );
  whole("start", start, 1, steps);
  whole("frames", frames, 0, start);
  whole("nMin", nMin, 0, start);
  whole("nAvg", nAvg, 1);
  for (const [name, value] of Object.entries({ sourceGuidance, targetGuidance })) {
    check(Number.isFinite(value), name, value, "a finite number");
  }
  checkSoft(flow, tokens);
  return {
    images,
    source,
    target,
    start,
    frames,
    nMin,
    nAvg,
    tokens,
    levels: levels.slice(-start - 1),
    // v + s (v - v0) = v0 + (1 + s) (v - v0)
    scales: [sourceGuidance, targetGuidance + onTop],
    negatives: negativeCaptions(config.negativePrompt, count),
  };
}
