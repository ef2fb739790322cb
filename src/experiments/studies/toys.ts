import { consistencyCell } from "../consistency.js";
import type { LossPlan } from "../loss.js";
import type { Study } from "../study.js";
import { pointArms, together } from "./arms.js";
import { seeds, toyRecording, toyStart, toyTraining, untrained } from "./settings.js";

/** MFD in all features, as published. */
const allFeatures: LossPlan = { name: "MFD", layers: "all" };

/** Why are MFD's samples no nearer to a curve, although its tangents point to it? */
export const toys: Study = {
  name: "toys",
  title: "Why are MFD's samples farther from a spiral?",
  question:
    "On a spiral in 16 dimensions MFD's tangents point to the curve, and yet its samples end farther from it than the pixel loss's. If that is because outputs must also move along a curve " +
    "that is curled up, then losses end the nearer the more of their tangents runs along it: the deepest features alone have next to nothing of it, all features some, features that were " +
    "not trained much, and the pixel loss beside MFD gives some back. Rates fall to 0, so that the step is not what keeps samples away.",
  measures: ["manifoldDistance", "metric", "parallel", "energyDistance"],
  plan: (quick) => ({
    seeds: { tune: [], report: seeds(quick).report },
    reference: "pixel",
    cells: [
      { arm: "pixel", loss: pointArms.pixel },
      { arm: "MFD", loss: allFeatures },
      { arm: "MFD, deepest features", loss: pointArms.MFD },
      { arm: "MFD untrained", loss: allFeatures, start: untrained(toyStart(quick)) },
      { arm: "pixel + MFD", loss: together(pointArms, { ramp: 0 }) },
    ].map(({ arm, loss, start = toyStart(quick) }) =>
      consistencyCell({
        ...{ panel: "spiral-16d", dataset: "spiral-16d", arm, loss, start },
        training: {
          ...toyTraining(quick),
          steps: quick ? 100 : 8000,
          schedule: "cosine",
          learningRates: [3e-3],
        },
        recording: { ...toyRecording(quick), every: quick ? 50 : 1000 },
      }),
    ),
  }),
};
