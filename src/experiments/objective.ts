import type { ConsistencyLoss } from "../consistency/losses.js";
import { pseudoHuber } from "../consistency/losses.js";
import { check } from "../errors.js";
import { alignedLoss } from "../manifold/aligned.js";
import type { DistanceName } from "../training/consistency.js";
import type { TrainedFeatures } from "../training/features.js";

/** How outputs are drawn to their targets; JSON. */
export type Objective = {
  /** `pixel` is pseudo-Huber; `manifold` is MFD's unit-norm tangent; `mixed` is pixel + lambda manifold. */
  loss: "pixel" | "manifold" | "mixed";
  /** Features that enter MFD. */
  layers?: "all" | number[];
  /** Of MFD's transformations; default those of the start's features. */
  groups?: string[];
  /** Weight of MFD beside the pixel loss. */
  lambda?: number;
  /** Iterations over which lambda rises from 0. */
  ramp?: number;
};

/** Networks that distances are taken in; features are trained only where they are asked for. */
export interface Networks {
  features(): Promise<TrainedFeatures>;
  judge: TrainedFeatures | undefined;
}

/** The loss of an objective. */
export async function objectiveLoss(
  { loss, layers = "all", lambda, ramp = 0 }: Objective,
  networks: Networks,
): Promise<DistanceName | ConsistencyLoss> {
  if (loss === "pixel") return "pseudo-huber";
  const { model, parameters } = await networks.features();
  if (loss === "manifold") return alignedLoss(model, parameters, { layers });
  check(lambda !== undefined && lambda > 0, "lambda", lambda, "a number > 0");
  return alignedLoss(model, parameters, { layers, pixel: pseudoHuber(), weight: lambda, ramp });
}
