import { check } from "../errors.js";
import { softrepa } from "./softrepa/study.js";
import { batchSize } from "./studies/batch-size.js";
import { continuous } from "./studies/continuous.js";
import { convergence } from "./studies/convergence.js";
import { features } from "./studies/features.js";
import { gradientNoise } from "./studies/gradient-noise.js";
import { lambda } from "./studies/lambda.js";
import { oscillation } from "./studies/oscillation.js";
import { perceptual } from "./studies/perceptual.js";
import { toys } from "./studies/toys.js";
import { transformations } from "./studies/transformations.js";
import type { Study } from "./study.js";

/** All studies, by name. */
export const studies: readonly Study[] = [
  oscillation,
  toys,
  features,
  convergence,
  batchSize,
  gradientNoise,
  perceptual,
  continuous,
  transformations,
  lambda,
  softrepa,
];

/** @throws TangentLabError `invalid-argument` listing the names. */
export function studyByName(name: string): Study {
  const study = studies.find((each) => each.name === name);
  check(study !== undefined, "experiment", name, studies.map((each) => each.name).join(", "));
  return study;
}
