import { consistencyCell } from "../consistency.js";
import type { LossPlan } from "../loss.js";
import type { Study } from "../study.js";
import { together } from "./arms.js";
import { pointsAndDigits, seeds } from "./settings.js";

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
    cells: pointsAndDigits(quick).flatMap(({ dataset, kind }) => {
      const { losses, start, training, recording } = kind;
      const places: [at: number | undefined, loss: LossPlan][] = [
        [undefined, losses.pixel],
        ...(quick ? [0.3, 3] : [0.1, 0.3, 1, 3, 10]).map((at): [number, LossPlan] => [
          at,
          together(losses, { lambda: at, ramp: training.steps / 5 }),
        ]),
      ];
      return places.map(([at, loss]) =>
        consistencyCell({
          panel: dataset,
          dataset,
          arm: at === undefined ? "pixel" : "pixel + MFD",
          loss,
          ...(at !== undefined && { at }),
          start,
          training,
          recording,
        }),
      );
    }),
  }),
};
