import type { StartPlan } from "../consistency.js";
import { consistencyCell } from "../consistency.js";
import type { LossPlan } from "../loss.js";
import type { Cell, Study } from "../study.js";
import { pointsAndDigits, seeds, untrained } from "./settings.js";

/** Groups that the feature network is trained on: each alone, and all. */
const groups = {
  points: [["noise"], ["mixup"], ["scale"], ["shift"]],
  images: [["degradation"], ["color"], ["geometric"], ["geometric", "degradation"]],
} as const;

/** Which transformations make the features of MFD? */
export const transformations: Study = {
  name: "transformations",
  title: "Which transformations make the features?",
  question:
    "The feature network of MFD regresses the parameters of random transformations. Which groups of them turn tangents from the manifold's direction to the manifold, and which give better samples? " +
    "Features that were not trained say how much of it any features do.",
  measures: ["parallel", "metric", "manifoldDistance", "direction"],
  plan: (quick) => ({
    seeds: seeds(quick),
    reference: "pixel",
    cells: pointsAndDigits(quick).flatMap(({ dataset, kind }) => {
      const { images, losses, start, training, recording } = kind;
      const { pixel, MFD: base } = losses;
      const name = "MFD";
      const tried = images ? groups.images : groups.points;
      const arms: [string, LossPlan][] = [
        ["pixel", pixel],
        [name, base],
        ...tried
          .slice(0, quick ? 2 : undefined)
          .map((names): [string, LossPlan] => [
            `${name}: ${names.join(" + ")}`,
            { ...base, groups: [...names] },
          ]),
      ];
      const cell = (arm: string, loss: LossPlan, from: StartPlan): Cell =>
        consistencyCell({
          panel: dataset,
          dataset,
          arm,
          loss,
          start: from,
          training,
          recording,
        });
      return [
        ...arms.map(([arm, loss]) => cell(arm, loss, start)),
        cell(`${name} untrained`, base, untrained(start)),
      ];
    }),
  }),
};
