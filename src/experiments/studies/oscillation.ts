import { consistencyCell } from "../consistency.js";
import type { Cell, Study } from "../study.js";
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

/** Do tangents run along the manifold, and keep turning? On manifolds that are known exactly, in more and more dimensions. */
export const oscillation: Study = {
  name: "oscillation",
  title: "Do tangents run along the manifold?",
  question:
    "Near convergence, which share of the tangents' squared norm lies along the data manifold, and how well do tangents keep their direction from one recording " +
    "to the next, with the pixel loss and with MFD? On manifolds that are known exactly: curves embedded in more and more dimensions, and images with known factors.",
  axis: "dimensions",
  measures: ["parallel", "direction", "metric", "manifoldDistance"],
  plan: (quick) => ({
    seeds: seeds(quick),
    reference: "pixel",
    cells: [...toys(quick), ...(quick ? [] : images())],
  }),
};

/** Points on curves, embedded in more and more dimensions. */
const toys = (quick: boolean): Cell[] =>
  (quick ? ["circle"] : ["circle", "spiral"]).flatMap((panel) =>
    (quick ? [2, 8] : [2, 4, 8, 16, 32]).flatMap((at) =>
      Object.entries(pointArms).map(([arm, loss]) =>
        consistencyCell({
          panel,
          arm,
          at,
          loss,
          dataset: at === 2 ? panel : `${panel}-${at}d`,
          start: toyStart(quick),
          training: { ...toyTraining(quick), steps: quick ? 200 : 3000 },
          recording: { ...toyRecording(quick), count: 512 },
        }),
      ),
    ),
  );

/** Images of one soft ellipse with four known factors, in 256 dimensions. */
const images = (): Cell[] =>
  Object.entries(imageArms).map(([arm, loss]) =>
    consistencyCell({
      panel: "shapes",
      dataset: "shapes",
      arm,
      loss,
      start: { ...imageStart(false), judge: null },
      training: imageTraining(false),
      recording: { ...imageRecording(false), count: 512, final: false },
    }),
  );
