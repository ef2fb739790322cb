import { featureQualityCell } from "../feature-quality.js";
import type { FeaturesPlan } from "../prepare.js";
import type { Study } from "../study.js";
import { imageStart, imageTraining, seeds } from "./settings.js";

/** What do feature networks know, and do they turn tangents to the manifold? The gate before any study of MFD on images. */
export const features: Study = {
  name: "features",
  title: "Which feature networks align tangents?",
  question:
    "At one and the same consistency model, trained with the pixel loss, which share of the tangents' squared norm lies along the data manifold, with the pixel loss and with MFD in different " +
    "feature networks? And how much of each transformation's parameters do they know on pictures that they were not trained on? On pictures with known factors the manifold is exact, on " +
    "digits it is estimated from neighbours. A network goes into other studies only if its share is at most half of the pixel loss's.",
  measures: [
    "parallel",
    "parallel at 0.1",
    "parallel at 0.5",
    "parallel at 2.5",
    "R2 scale",
    "R2 rotation cos - 1",
    "R2 rotation sin",
    "R2 aniso cos",
    "R2 aniso sin",
    "R2 shift x",
    "R2 shift y",
    "R2 brightness",
    "R2 contrast",
    "R2 blur",
    "R2 mixup",
    "R2 noise",
  ],
  plan: (quick) => ({
    seeds: { tune: [], report: seeds(quick).report },
    reference: "pixel",
    cells: (quick ? ["shapes"] : ["shapes", "digits"]).flatMap((dataset) => {
      const { denoiser, features: vgg } = imageStart(quick);
      const training = { ...imageTraining(quick), learningRate: 5e-4 };
      const { learningRates: _, ...rest } = training;
      const arms: Record<string, FeaturesPlan | null> = {
        pixel: null,
        MFD: vgg,
        "MFD untrained": { ...vgg, trained: false },
        "MFD: small network": { ...vgg, network: "small" },
      };
      return Object.entries(arms).map(([arm, plan]) =>
        featureQualityCell(dataset, arm, {
          dataset,
          denoiser,
          training: { ...rest, steps: quick ? 20 : 6000 },
          features: plan,
          probes: quick ? 2 : 32,
          examples: quick ? 64 : 2048,
        }),
      );
    }),
  }),
};
