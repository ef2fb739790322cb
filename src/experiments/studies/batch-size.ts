import { type ConsistencyCell, consistencyCell } from "../consistency.js";
import type { Study } from "../study.js";
import { pointsAndDigits, seeds } from "./settings.js";

/** A batch size, and how long is trained with it. */
interface Size {
  at: number;
  training?: Partial<ConsistencyCell["training"]>;
}

/** Of points: as long with each. */
const pointSizes: Size[] = [4, 16, 64, 256].map((at) => ({ at }));

/** Of pictures: large batches see as many examples as small ones in fewer steps. At 16 these are trials of the study of convergence. */
const imageSizes: Size[] = [
  { at: 4, training: { tuningSteps: 4000 } },
  { at: 16, training: { tuningSteps: 6000 } },
  { at: 64, training: { steps: 2500, tuningSteps: 1500 } },
];

/** Does MFD do with smaller batches? */
export const batchSize: Study = {
  name: "batch-size",
  title: "Are smaller batches enough with MFD?",
  question:
    "After the same number of steps, and after the same number of examples, how good are samples by the size of the batch, with the pixel loss and with MFD? If tangents along the " +
    "manifold are noise, large batches average them out and MFD needs no large batch: its ratio to the pixel loss then grows with the batch.",
  axis: "batch size",
  measures: ["readings", "metric", "parallel", "manifoldDistance", "direction", "gradientNoise"],
  plan: (quick) => ({
    // One seed to choose on, as in the study of convergence: large batches of images are slow.
    seeds: { ...seeds(quick), tune: [0] },
    reference: "pixel",
    readings: quick ? {} : { steps: [2500], examples: [40_000] },
    cells: pointsAndDigits(quick).flatMap(({ dataset, kind }) => {
      const { images, losses, start, training, recording } = kind;
      const learningRates = images ? [5e-4, 1e-3] : [1e-3, 3e-3];
      const sizes = quick ? pointSizes.slice(0, 2) : images ? imageSizes : pointSizes;
      return sizes.flatMap(({ at, training: own }) =>
        Object.entries(losses).map(([arm, loss]) =>
          consistencyCell({
            panel: dataset,
            dataset,
            arm,
            at,
            loss,
            start,
            training: { ...training, batchSize: at, learningRates: quick ? [1e-3] : learningRates, ...own },
            recording,
          }),
        ),
      );
    }),
  }),
};
