import { consistencyCell } from "../consistency.js";
import type { LossPlan } from "../loss.js";
import type { Cell, Study } from "../study.js";
import { pointsAndDigits, seeds, untrained } from "./settings.js";

/** The squared distance of the data, as sCM has it. */
const squared: LossPlan = { name: "l2" };

/** What does MFD change in continuous time? */
export const continuous: Study = {
  name: "continuous",
  title: "What does MFD change in continuous time?",
  question:
    "A denoiser is distilled in continuous time (sCM): with its tangents taken and normalised in the space of the data, or in MFD's features. Which reaches a given quality in fewer steps, and " +
    "which way do the tangents run?",
  measures: ["metric", "steps", "parallel", "frechet2", "paired", "precision", "recall", "denoising 0.4"],
  plan: (quick) => ({
    seeds: { ...seeds(quick), tune: [0] },
    reference: "pixel",
    targets: quick ? [0.1] : { digits: [2, 1.5, 1.3], "spiral-16d": [0.1, 0.05] },
    cells: pointsAndDigits(quick).flatMap(({ dataset, kind }) => {
      const { images, start, recording } = kind;
      const steps = quick ? 100 : 4000;
      const cell = (arm: string, loss: LossPlan, from = start): Cell =>
        consistencyCell({
          ...{ panel: dataset, dataset, arm, loss, start: from, recording },
          training: {
            ...kind.training,
            ...{
              objective: "scd",
              steps,
              schedule: "constant",
              ema: { decay: quick ? 0.9 : 0.999, warmup: false },
            },
            learningRates: quick ? [1e-3] : images ? [6.25e-5, 1.25e-4, 2.5e-4, 5e-4, 1e-3] : [1e-3],
            ...(!quick && images && { tuningSteps: 3000 }),
          },
        });
      const MFD: LossPlan = { name: "MFD", layers: "all" };
      return [cell("pixel", squared), cell("MFD", MFD), cell("MFD untrained", MFD, untrained(start))];
    }),
  }),
};
