import { check } from "../errors.js";
import type { CaptionedData } from "../loop/data.js";
import type { Json } from "../loop/record.js";
import * as loop from "../loop/train.js";
import type { Method, TrainingConfig } from "../optim/method.js";
import { cosineRestarts } from "../optim/schedules.js";
import { attributeNegatives } from "./attribute-negatives.js";
import { type ContrastiveConfig, contrastive, type FrozenFlow } from "./contrastive.js";
import { checkContrastive } from "./contrastive-loss.js";
import { captionVectors, nearestNegatives } from "./nearest-negatives.js";
import type { HardNegatives } from "./negatives.js";
import type { SoftTokens } from "./tokens.js";

/** What trainings by the contrastive loss have in common. */
export interface ContrastiveTraining
  extends Omit<loop.RunOptions, "steps">,
    TrainingConfig,
    Omit<ContrastiveConfig, "flow" | "tokens" | "captions" | "negatives" | keyof TrainingConfig> {
  /**
   * Hard negatives: "attributes", the picture's caption with one attribute changed or two exchanged, for data that know what their captions mean; "nearest",
   * the nearest captions in the flow's own text vectors; or your own. Of data that hold combinations out, captions of those are not taken. Default none, as
   * published.
   */
  negatives?: "attributes" | "nearest" | HardNegatives;
  /** Default 400. */
  steps?: number;
  /** b: images of a step, each with all b captions. Default 8. */
  batchSize?: number;
  /** Steps from one restart of the cosine schedule to the next. Default 5000, as published, or half of `steps` where that is less. */
  restartEvery?: number;
  /** The rate to which the cosine falls. Default 1e-5, as published. */
  rateFloor?: number;
}

/** Their names. */
export const contrastiveOptions: readonly string[] = [
  ...loop.trainingOptions,
  ...["logits", "temperature", "scale", "positiveWeight", "tMin", "tMax", "timesPerStep", "chunk"],
  ...["contrast", "negatives", "restartEvery", "rateFloor"],
];

/**
 * The contrastive method with a cosine that restarts, and what its run's record says of it.
 * @param tokens None: the whole flow is trained.
 * @param rate The learning rate where none is given.
 */
export function contrastiveMethod(
  data: CaptionedData,
  flow: FrozenFlow,
  tokens: SoftTokens | undefined,
  options: ContrastiveTraining,
  rate: number,
): { method: Method; settings: Record<string, Json> } {
  const { steps = 400, rateFloor = 1e-5, learningRate = rate } = options;
  const { restartEvery = Math.min(5000, Math.max(1, Math.ceil(steps / 2))) } = options;
  const { tMin = 0, tMax = 1, timesPerStep = 1, contrast = true } = options;
  check.number("rateFloor", rateFloor, (rate) => rate >= 0 && Number.isFinite(rate), "a finite number >= 0");
  check.count("steps", steps);
  check.count("restartEvery", restartEvery);
  const loss = checkContrastive(options);
  const negatives = negativesOf(options.negatives, data, flow);
  return {
    method: contrastive({
      ...options,
      learningRate:
        typeof learningRate === "number"
          ? cosineRestarts(learningRate, restartEvery, { final: Math.min(1, rateFloor / learningRate) })
          : learningRate,
      flow,
      tokens,
      captions: data.captions,
      negatives,
    }),
    settings: {
      ...loop.optimizerSettings({ ...options, learningRate }),
      restartEvery,
      rateFloor,
      tMin,
      tMax,
      timesPerStep,
      contrast,
      ...(contrast ? loss : { positiveWeight: options.positiveWeight ?? 1 }),
      negatives: typeof options.negatives === "object" ? "own" : (options.negatives ?? null),
    },
  };
}

function negativesOf(
  given: ContrastiveTraining["negatives"],
  data: CaptionedData,
  flow: FrozenFlow,
): HardNegatives | undefined {
  // Captions of held-out pictures are not even seen as wrong ones.
  const among = data.captionsOf?.("seen");
  if (given === "attributes") return attributeNegatives(data, { among });
  if (given === "nearest")
    return nearestNegatives(data, () => captionVectors(flow, data.captions), { among });
  check(
    given === undefined || (typeof given === "object" && given !== null),
    "negatives",
    given,
    '"attributes", "nearest" or { of, count }',
  );
  return given;
}
