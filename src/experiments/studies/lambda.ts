import { consistencyCell } from "../consistency.js";
import type { LossPlan } from "../loss.js";
import type { Study } from "../study.js";
import { imageArms, pointArms, together } from "./arms.js";
import {
  imageRecording,
  imageStart,
  imageTraining,
  seeds,
  toyRecording,
  toyStart,
  toyTraining,
} from "./settings.js";

/** How much of MFD beside the pixel loss? */
export const lambda: Study = {
  name: "lambda",
  title: "How much MFD beside the pixel loss?",
  question:
    "The pixel loss plus lambda times MFD's, whose weight rises over the first fifth of training: which lambda gives the best samples, and how do the tangents turn with it?",
  axis: "lambda",
  measures: ["metric", "parallel", "manifoldDistance", "direction"],
  plan: (quick) => ({
    seeds: seeds(quick),
    reference: "pixel",
    cells: (quick ? ["spiral-16d"] : ["spiral-16d", "digits"]).flatMap((dataset) => {
      const images = dataset === "digits";
      const training = images ? imageTraining(quick) : toyTraining(quick);
      const known = images ? imageArms : pointArms;
      const places: [at: number | undefined, loss: LossPlan][] = [
        [undefined, known.pixel],
        ...(quick ? [0.3, 3] : [0.1, 0.3, 1, 3, 10]).map((at): [number, LossPlan] => [
          at,
          together(known, { lambda: at, ramp: training.steps / 5 }),
        ]),
      ];
      return places.map(([at, loss]) =>
        consistencyCell({
          panel: dataset,
          dataset,
          arm: at === undefined ? "pixel" : "pixel + MFD",
          loss,
          ...(at !== undefined && { at }),
          start: images ? imageStart(quick) : toyStart(quick),
          training,
          recording: images ? imageRecording(quick) : toyRecording(quick),
        }),
      );
    }),
  }),
};
