import { consistencyCell } from "../consistency.js";
import type { Study } from "../study.js";
import { pointsAndDigits, seeds } from "./settings.js";

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
    cells: pointsAndDigits(quick).flatMap(({ dataset, kind }) => {
      const { images, losses, start, training, recording } = kind;
      const learningRates = images ? [2.5e-4, 5e-4, 1e-3] : [1e-3, 3e-3];
      // Of images 64 is what a laptop does in minutes a run.
      const sizes = quick ? [4, 16] : images ? [2, 4, 16, 64] : [4, 16, 64, 256];
      return sizes.flatMap((at) =>
        Object.entries(losses).map(([arm, loss]) =>
          consistencyCell({
            panel: dataset,
            dataset,
            arm,
            at,
            loss,
            start,
            training: { ...training, batchSize: at, learningRates: quick ? [1e-3] : learningRates },
            recording,
          }),
        ),
      );
    }),
  }),
};
