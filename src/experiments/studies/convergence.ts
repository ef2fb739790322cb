import type { LossPlan } from "../loss.js";
import type { Cell, Study } from "../study.js";
import { imageArms, together } from "./arms.js";
import { imageStart, imageTraining, recording, seeds, untrained } from "./settings.js";

/** The losses of `imageArms`, the stand-in for a perceptual one, and pixel and MFD together. */
const arms = (steps: number): Record<string, LossPlan> => ({
  ...imageArms,
  perceptual: { name: "perceptual" },
  "pixel + MFD": together(imageArms, steps),
});

/** What is trained on; by class: the models are told it. */
const panels = [
  { panel: "digits", dataset: "digits", classConditional: false },
  { panel: "digits by class", dataset: "digits", classConditional: true },
  { panel: "fashion", dataset: "fashion", classConditional: false },
  { panel: "portraits", dataset: "portraits-labelled", classConditional: false },
];

/** Fewer iterations to the same quality? */
export const convergence: Study = {
  name: "convergence",
  title: "Does MFD converge in fewer steps?",
  question:
    "How many training steps does it take to a given Fréchet distance of one-step samples, from the same denoiser, with the pixel loss, a perceptual one (in a classifier of the data), MFD, and pixel and MFD together? " +
    "MFD with features that were not trained says how much of it any features do. " +
    "Each loss has the learning rate that was best for it on the tuning seed.",
  measures: ["steps", "metric", "parallel", "direction"],
  plan: (quick) => ({
    // One seed to choose on: an evening on a laptop, not a night.
    seeds: { ...seeds(quick), tune: [0] },
    reference: "pixel",
    cells: panels.slice(0, quick ? 1 : undefined).flatMap(({ panel, dataset, classConditional }) => {
      const plain = imageStart(quick);
      const start = classConditional
        ? { ...plain, denoiser: { ...plain.denoiser, classConditional } }
        : plain;
      const cell = (arm: string, loss: LossPlan, from = start): Cell => ({
        ...{ panel, dataset, arm, loss, start: from },
        training: {
          ...imageTraining,
          ...(quick && { steps: 20, batchSize: 4, stages: 2 }),
          learningRates: quick
            ? arm === "pixel"
              ? [3e-4, 1e-3]
              : [1e-3]
            : [1e-3, 3e-3, 6e-3, 12e-3, 24e-3, 48e-3],
        },
        recording: quick ? { recordings: 2, count: 64, examples: 1 } : recording(quick, 5),
      });
      const both = together(imageArms, imageTraining.steps);
      return [
        ...Object.entries(arms(quick ? 20 : imageTraining.steps)).map(([arm, loss]) => cell(arm, loss)),
        ...(quick ? [] : [cell("pixel + MFD: features not trained", both, untrained(start))]),
      ];
    }),
  }),
};
