import type { ConsistencyLoss } from "../consistency/losses.js";
import { pseudoHuber } from "../consistency/losses.js";
import { classifierStandIn } from "../consistency/perceptual.js";
import { check } from "../errors.js";
import { alignedLoss } from "../manifold/aligned.js";
import type { DistanceName } from "../training/consistency.js";
import type { TrainedFeatures } from "../training/features.js";

/** How outputs are drawn to their targets; JSON. */
export type Objective = {
  /** `pixel` is pseudo-Huber; `perceptual` a stand-in for LPIPS in a classifier of the data, of images only; `manifold` is MFD's unit-norm tangent; `mixed` is pixel + lambda manifold. */
  loss: "pixel" | "perceptual" | "manifold" | "mixed";
  /** Features that enter MFD. */
  layers?: "all" | number[];
  /** Of MFD's transformations; default those of the start's features. */
  groups?: string[];
  /** Weight of MFD beside the pixel loss. */
  lambda?: number;
  /** Iterations over which lambda rises from 0. */
  ramp?: number;
};

/** Networks that distances are taken in, trained only where they are asked for. */
export interface Networks {
  features(): Promise<TrainedFeatures>;
  /** A classifier, not the one that measures; for the perceptual loss alone. */
  classifier?(): Promise<TrainedFeatures>;
}

/** The loss of an objective. */
export async function objectiveLoss(
  { loss, layers = "all", lambda, ramp = 0 }: Objective,
  networks: Networks,
): Promise<DistanceName | ConsistencyLoss> {
  if (loss === "pixel") return "pseudo-huber";
  if (loss === "perceptual") {
    check(
      networks.classifier !== undefined,
      "loss",
      loss,
      "pixel, manifold or mixed: there is no classifier",
    );
    const { model, parameters } = await networks.classifier();
    return classifierStandIn(model, parameters);
  }
  const { model, parameters } = await networks.features();
  if (loss === "manifold") return alignedLoss(model, parameters, { layers });
  check(lambda !== undefined && lambda > 0, "lambda", lambda, "a number > 0");
  return alignedLoss(model, parameters, { layers, pixel: pseudoHuber(), weight: lambda, ramp });
}
