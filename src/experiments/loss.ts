import { type ConsistencyLoss, type Loss, pseudoHuber } from "../consistency/losses.js";
import { mfd } from "../consistency/mfd.js";
import { classifierStandIn } from "../consistency/perceptual.js";
import { check } from "../errors.js";
import type { TrainedFeatures } from "../metrics/features.js";

/** How outputs are drawn to their targets; JSON. */
export type LossPlan = {
  /** `pixel` is pseudo-Huber; `perceptual` a stand-in for LPIPS in a classifier of the data, of images only. */
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

/** Networks that distances are taken in, trained only where they are asked for. */
export interface Networks {
  features(): Promise<TrainedFeatures>;
  /** A classifier, not the one that measures; for the perceptual loss alone. */
  classifier?(): Promise<TrainedFeatures>;
}

/** The loss of a plan. */
export async function lossOf(plan: LossPlan, networks: Networks): Promise<Loss> {
  const { name, c, layers = "all", beside, lambda, ramp = 0 } = plan;
  const pixel = pseudoHuber(c === undefined ? {} : { c });
  if (name === "pixel") return pixel;
  if (name === "perceptual") return perceptual(networks);
  const features = await networks.features();
  if (beside === undefined) return mfd(features, { layers });
  check(lambda !== undefined && lambda > 0, "lambda", lambda, "a number > 0");
  return mfd(features, { layers, beside: pixel, lambda, ramp });
}

async function perceptual({ classifier }: Networks): Promise<ConsistencyLoss> {
  check(classifier !== undefined, "loss", "perceptual", "pixel or MFD: there is no classifier");
  return classifierStandIn(await classifier());
}
