import { perceptronStep } from "./mlp.js";
import { contrastiveStep, samplingStep } from "./softrepa.js";
import { alignedColour, alignedGrey, continuousStep } from "./song-unet.js";
import { alignedStep, denoisingStep } from "./unet.js";
import type { Workload } from "./workload.js";

export type { Workload } from "./workload.js";

/** What `npm run bench` measures, by name. */
export const workloads: Readonly<Record<string, () => Workload>> = {
  "mlp-256": () => perceptronStep(256, 256),
  "mlp-64": () => perceptronStep(64, 64),
  "unet-16": () => denoisingStep(16),
  "unet-64": () => denoisingStep(64),
  ayt: () => alignedStep(16),
  "ayt-song-16": alignedGrey,
  "ayt-song-32": alignedColour,
  jvp: continuousStep,
  contrastive: contrastiveStep,
  sampling: samplingStep,
};
