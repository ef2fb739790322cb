import type { Objective } from "../objective.js";
import type { Cell, Study } from "../study.js";
import { imageArms, pointArms } from "./arms.js";
import { imageStart, recording, seeds, toyStart } from "./settings.js";

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
    "The feature network of MFD regresses the parameters of random transformations. Which groups of them turn tangents from the manifold's direction to the manifold, and which give better samples?",
  measures: ["parallel", "metric", "manifoldDistance", "direction"],
  plan: (quick) => ({
    seeds: seeds(quick),
    reference: "pixel",
    cells: (quick ? ["spiral-16d"] : ["spiral-16d", "digits"]).flatMap((dataset) => {
      const images = dataset === "digits";
      const { pixel, MFD } = images ? imageArms : pointArms;
      const tried = images ? groups.images : groups.points;
      const arms: [string, Objective][] = [
        ["pixel", pixel],
        ["MFD", MFD],
        ...tried
          .slice(0, quick ? 2 : undefined)
          .map((names): [string, Objective] => [
            `MFD: ${names.join(" + ")}`,
            { ...MFD, groups: [...names] } as Objective,
          ]),
      ];
      return arms.map(
        ([arm, objective]): Cell => ({
          ...{ panel: dataset, dataset, arm, objective },
          start: images ? imageStart(quick) : toyStart(quick),
          training: {
            steps: quick ? 200 : images ? 2000 : 4000,
            ...{ batchSize: 16, stages: quick ? 2 : images ? 4 : 8, ema: 0.999 },
            learningRates: [1e-3],
          },
          recording: recording(quick, images ? 5 : 16),
        }),
      );
    }),
  }),
};
