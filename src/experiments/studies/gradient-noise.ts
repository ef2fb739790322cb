import { consistencyCell } from "../consistency.js";
import type { LossPlan } from "../loss.js";
import type { Cell, Study } from "../study.js";
import { imageArms } from "./arms.js";
import { imageRecording, imageStart, imageTraining, seeds, untrained } from "./settings.js";

/** Is there less noise in small batches with MFD? */
export const gradientNoise: Study = {
  name: "gradient-noise",
  title: "Are MFD's gradients less noisy?",
  question:
    "Of how many examples must a batch be for its gradient to have as much signal as noise (the gradient noise scale, McCandlish et al., 1812.06162), over training on digits with the " +
    "pixel loss, with MFD and with MFD in a network that was not trained? Tangents that run along the manifold for one draw and back for the next would be noise, so that MFD's batches could be smaller.",
  measures: ["gradientNoise", "metric", "gradientTrace", "gradientSquaredNorm", "parallel"],
  plan: (quick) => {
    const start = imageStart(quick);
    const cell = (arm: string, loss: LossPlan, from = start): Cell =>
      consistencyCell({
        ...{ panel: "digits", dataset: "digits", arm, loss, start: from },
        // The rate that the study of convergence found best for each of them.
        training: { ...imageTraining(quick), ...(!quick && { steps: 4000 }), learningRates: [1e-3] },
        recording: { ...imageRecording(quick), final: false, noiseBatches: quick ? 16 : 256 },
      });
    return {
      seeds: { ...seeds(quick), tune: [0] },
      reference: "pixel",
      cells: [
        cell("pixel", imageArms.pixel),
        cell("MFD", imageArms.MFD),
        cell("MFD untrained", imageArms.MFD, untrained(start)),
      ],
    };
  },
};
