import { consistencyCell } from "../consistency.js";
import type { LossPlan } from "../loss.js";
import type { Study } from "../study.js";
import { imageArms, pointArms } from "./arms.js";
import {
  imageRecording,
  imageStart,
  imageTraining,
  seeds,
  toyRecording,
  toyStart,
  toyTraining,
} from "./settings.js";

/** Does MFD do with smaller batches? */
export const batchSize: Study = {
  name: "batch-size",
  title: "Are smaller batches enough with MFD?",
  question:
    "After the same number of steps, how good are samples by the size of the batch, with the pixel loss and with MFD? If tangents along the manifold are noise, large batches " +
    "average them out and MFD needs no large batch.",
  axis: "batch size",
  measures: ["metric", "parallel", "manifoldDistance", "direction"],
  plan: (quick) => ({
    // One seed to choose on, as in the study of convergence: large batches of images are slow.
    seeds: { ...seeds(quick), tune: [0] },
    reference: "pixel",
    cells: (quick ? ["spiral-16d"] : ["spiral-16d", "digits"]).flatMap((dataset) => {
      const images = dataset === "digits";
      const training = images ? imageTraining(quick) : toyTraining(quick);
      const learningRates = images ? [2.5e-4, 5e-4, 1e-3] : [1e-3, 3e-3];
      const arms: Record<string, LossPlan> = images ? imageArms : pointArms;
      // Of images 64 is what a laptop does in minutes a run.
      const sizes = quick ? [4, 16] : images ? [2, 4, 16, 64] : [4, 16, 64, 256];
      return sizes.flatMap((at) =>
        Object.entries(arms).map(([arm, loss]) =>
          consistencyCell({
            panel: dataset,
            dataset,
            arm,
            at,
            loss,
            start: images ? imageStart(quick) : toyStart(quick),
            training: { ...training, batchSize: at, learningRates: quick ? [1e-3] : learningRates },
            recording: images ? imageRecording(quick) : toyRecording(quick),
          }),
        ),
      );
    }),
  }),
};
