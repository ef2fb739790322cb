import { efficientNetStages } from "../../consistency/perceptual.js";
import { consistencyCell } from "../consistency.js";
import type { LossPlan } from "../loss.js";
import type { FeaturesPlan } from "../prepare.js";
import type { Study } from "../study.js";
import { imageArms } from "./arms.js";
import { imageRecording, imageStart, imageTraining, seeds } from "./settings.js";

/** What a network was trained for. */
const trainings = {
  transformations: true,
  classes: "classes",
  untrained: false,
} as const satisfies Record<string, FeaturesPlan["trained"]>;

/** The two forms of a distance in a network. */
const forms = {
  MFD: imageArms.MFD,
  LPIPS: { name: "perceptual", network: "features" },
} as const satisfies Record<string, LossPlan>;

/** The same in EfficientNet-Lite0 with ImageNet's weights, which has seen colour. */
const imagenetForms = {
  MFD: { name: "MFD", network: "imagenet", layers: [...efficientNetStages] },
  LPIPS: { name: "perceptual" },
} satisfies Record<string, LossPlan>;

/** On digits all have the rate that `convergence` found best for each of its losses there: chosen after the 2,000 steps that tuning takes here it would be too low for some. */
const digits = { panel: "digits", dataset: "digits", learningRates: [1e-3] };
const portraits = { panel: "portraits", dataset: "portraits-labelled", learningRates: [5e-4, 1e-3] };

/** What makes MFD better than a perceptual loss: its network, or its form? */
export const perceptual: Study = {
  name: "perceptual",
  title: "Better than LPIPS: by the network or by the form?",
  question:
    "MFD differs from LPIPS in two things: its network regresses transformations and tells no classes, and its gradient is scaled to norm 1. Each network with each form tells them apart: one " +
    "architecture (VGG with batch normalization) trained on transformations, to tell classes, or not at all, and on pictures in colour EfficientNet-Lite0 with ImageNet's weights; MFD's form, and LPIPS's.",
  measures: [
    "metric",
    "steps",
    "frechet2",
    "paired",
    "parallel",
    "precision",
    "recall",
    "denoising 0.4",
    "gradientNoise",
  ],
  plan: (quick) => {
    const start = imageStart(quick);
    const panels = quick ? [{ ...digits, learningRates: [5e-4] }] : [digits, portraits];
    return {
      seeds: { ...seeds(quick), tune: [0] },
      reference: "pixel",
      targets: quick ? [50] : { digits: [1, 0.5, 0.3], portraits: [10, 5, 3] },
      cells: panels.flatMap(({ panel, dataset, learningRates }) => {
        const common = {
          training: {
            ...imageTraining(quick),
            learningRates,
            ...(!quick && { steps: 4000, tuningSteps: 2000 }),
          },
          recording: imageRecording(quick),
        };
        return [
          consistencyCell({ panel, dataset, arm: "pixel", loss: imageArms.pixel, start, ...common }),
          ...Object.entries(trainings).flatMap(([name, trained]) =>
            Object.entries(forms).map(([form, loss]) =>
              consistencyCell({
                ...{ panel, dataset, arm: `${name}, ${form}`, loss, ...common },
                start: trained === true ? start : { ...start, features: { ...start.features, trained } },
              }),
            ),
          ),
          ...(panel === "portraits"
            ? Object.entries(imagenetForms).map(([form, loss]) =>
                consistencyCell({ panel, dataset, arm: `ImageNet, ${form}`, loss, start, ...common }),
              )
            : []),
        ];
      }),
    };
  },
};
