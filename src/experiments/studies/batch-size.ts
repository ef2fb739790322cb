import type { LossPlan } from "../loss.js";
import type { Cell, Study } from "../study.js";
import { imageArms, pointArms, together } from "./arms.js";
import { imageStart, imageTraining, recording, seeds, toyStart, toyTraining } from "./settings.js";

/** Does MFD do with smaller batches? */
export const batchSize: Study = {
  name: "batch-size",
  title: "Do aligned tangents do with smaller batches?",
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
      const training = images ? imageTraining : toyTraining(quick);
      const learningRates = images ? [3e-3, 6e-3, 12e-3, 24e-3, 48e-3] : [1e-3, 3e-3];
      const { pixel, MFD } = images ? imageArms : pointArms;
      const both = together(images ? imageArms : pointArms, training.steps);
      const arms: Record<string, LossPlan> = {
        pixel,
        ...(!images && { MFD }),
        ...(!quick && { "pixel + MFD": both }),
      };
      // Of images 64 is what a laptop does in minutes a run.
      const sizes = quick ? [4, 16] : images ? [4, 16, 64] : [4, 16, 64, 256];
      return sizes.flatMap((at) =>
        Object.entries(arms).map(
          ([arm, loss]): Cell => ({
            ...{ panel: dataset, dataset, arm, at, loss },
            start: images ? imageStart(quick) : toyStart(quick),
            training: { ...training, batchSize: at, learningRates: quick ? [1e-3] : learningRates },
            recording: recording(quick, images ? 5 : 16),
          }),
        ),
      );
    }),
  }),
};
