import type { Cell, Study } from "../study.js";
import { imageArms, pointArms } from "./arms.js";
import { imageStart, recording, seeds, toyStart } from "./settings.js";

/** Does MFD do with smaller batches? */
export const batchSize: Study = {
  name: "batch-size",
  title: "Do aligned tangents do with smaller batches?",
  question:
    "After the same number of steps, how good are samples by the size of the batch, with the pixel loss and with MFD? If tangents along the manifold are noise, large batches " +
    "average them out and MFD needs no large batch.",
  axis: "batch size",
  measures: ["metric", "manifoldDistance", "parallel", "direction"],
  plan: (quick) => ({
    seeds: seeds(quick),
    reference: "pixel",
    cells: (quick ? ["spiral-16d"] : ["spiral-16d", "digits"]).flatMap((dataset) =>
      (quick ? [4, 16] : [4, 16, 64, 256]).flatMap((at) =>
        Object.entries(dataset === "digits" ? imageArms : pointArms).map(([arm, objective]): Cell => {
          const images = dataset === "digits";
          return {
            ...{ panel: dataset, dataset, arm, at, objective },
            start: images ? imageStart(quick) : toyStart(quick),
            training: {
              steps: quick ? 200 : images ? 2000 : 4000,
              ...{ batchSize: at, stages: quick ? 2 : images ? 4 : 8, ema: 0.999 },
              learningRates: quick ? [1e-3] : [3e-4, 1e-3, 3e-3],
            },
            recording: recording(quick, images ? 5 : 16),
          };
        }),
      ),
    ),
  }),
};
