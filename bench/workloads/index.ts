import { perceptronStep } from "./mlp.js";
import { contrastiveStep, samplingStep } from "./softrepa.js";
import { continuousStep, heunSampling, mfdColour, mfdGrey } from "./song-unet.js";
import { denoisingStep, mfdStep } from "./unet.js";
import type { Workload } from "./workload.js";

export type { Workload } from "./workload.js";

/** What `npm run bench` measures, by name. */
export const workloads: Readonly<Record<string, () => Workload>> = {
  "mlp-256": () => perceptronStep(256, 256),
  "mlp-64": () => perceptronStep(64, 64),
  "unet-16": () => denoisingStep(16),
  "unet-64": () => denoisingStep(64),
  ayt: () => mfdStep(16),
  "ayt-song-16": mfdGrey,
  "ayt-song-32": mfdColour,
  jvp: continuousStep,
  contrastive: contrastiveStep,
  sampling: samplingStep,
  heun: heunSampling,
};
