import { type Loss, pseudoHuber } from "../consistency/losses.js";
import { mfd } from "../consistency/mfd.js";
import { efficientNetStages, perceptualLoss } from "../consistency/perceptual.js";
import { check } from "../errors.js";
import type { TrainedFeatures } from "../metrics/features.js";
import { imagenet } from "./imagenet.js";

/** How outputs are drawn to their targets; JSON. */
export type LossPlan = {
  /** `pixel` is pseudo-Huber; `perceptual`, of images only, LPIPS's distance in EfficientNet-Lite0 with ImageNet's weights. */
  name: "pixel" | "perceptual" | "MFD";
  /** Of the pixel loss, alone or beside MFD: where it turns from quadratic to linear, times sqrt(dimension). Default 0.00054. */
  c?: number;
  /** Features that enter MFD. */
  layers?: "all" | number[];
  /** The pixel loss, to which lambda MFD is added. Default: MFD alone. */
  beside?: "pixel";
  lambda?: number;
  /** Iterations over which lambda rises from 0. */
  ramp?: number;
  /** Of MFD's transformations; default those of the start's features. */
  groups?: string[];
};

/** The loss of a plan, with the network of MFD, which is trained only where it is asked for. */
export async function lossOf(plan: LossPlan, mfdFeatures: () => Promise<TrainedFeatures>): Promise<Loss> {
  const { name, c, layers = "all", beside, lambda, ramp = 0 } = plan;
  const pixel = pseudoHuber(c === undefined ? {} : { c });
  if (name === "pixel") return pixel;
  if (name === "perceptual") return perceptualLoss(await imagenet(), { stages: efficientNetStages });
  const features = await mfdFeatures();
  if (beside === undefined) return mfd(features, { layers });
  check(lambda !== undefined && lambda > 0, "lambda", lambda, "a number > 0");
  return mfd(features, { layers, beside: pixel, lambda, ramp });
}
