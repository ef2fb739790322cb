import { type Loss, l2, pseudoHuber } from "../consistency/losses.js";
import { mfd } from "../consistency/mfd.js";
import { efficientNetStages, perceptualLoss } from "../consistency/perceptual.js";
import { check } from "../errors.js";
import type { TrainedFeatures } from "../metrics/features.js";
import { imagenet } from "./imagenet.js";

/** How outputs are drawn to their targets; JSON. */
export type LossPlan = {
  /** `pixel` is pseudo-Huber; `l2` the squared distance of the data, usual in continuous time; `perceptual`, of images only, LPIPS's distance in a network; MFD, in a network too, scales its gradient to norm 1. */
  name: "pixel" | "l2" | "perceptual" | "MFD";
  /** The start's feature network, or EfficientNet-Lite0 with ImageNet's weights. Default of MFD the former, of the perceptual loss the latter. */
  network?: "features" | "imagenet";
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

/** Whether a loss sees in a network, and in which. */
export const networkOf = ({ name, network }: LossPlan): "features" | "imagenet" | undefined =>
  name === "pixel" || name === "l2" ? undefined : (network ?? (name === "MFD" ? "features" : "imagenet"));

/** The loss of a plan, with the start's feature network, which is trained only where it is asked for. */
export async function lossOf(plan: LossPlan, ownFeatures: () => Promise<TrainedFeatures>): Promise<Loss> {
  const { name, c, layers = "all", beside, lambda, ramp = 0 } = plan;
  const pixel = pseudoHuber(c === undefined ? {} : { c });
  if (name === "pixel") return pixel;
  if (name === "l2") return l2();
  const ofImagenet = networkOf(plan) === "imagenet";
  const features = ofImagenet ? await imagenet() : await ownFeatures();
  if (name === "perceptual")
    return perceptualLoss(features, ofImagenet ? { stages: efficientNetStages } : {});
  if (beside === undefined) return mfd(features, { layers });
  check(lambda !== undefined && lambda > 0, "lambda", lambda, "a number > 0");
  return mfd(features, { layers, beside: pixel, lambda, ramp });
}
