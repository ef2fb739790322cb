import { consistencyCell } from "../consistency.js";
import type { LossPlan } from "../loss.js";
import type { Cell, Study } from "../study.js";
import { imageArms, perceptualArm, together } from "./arms.js";
import { imageRecording, imageStart, imageTraining, seeds, untrained } from "./settings.js";

const learningRates = [2.5e-4, 5e-4, 1e-3, 2e-3];

/** What is trained on, how long, and how long where rates are chosen. */
const panels = [
  { panel: "digits", dataset: "digits", steps: 10_000, tuningSteps: 6000 },
  { panel: "portraits", dataset: "portraits-labelled", steps: 6000, tuningSteps: 3000 },
  { panel: "fashion", dataset: "fashion", steps: 6000, tuningSteps: 3000 },
];

/** Fréchet distances in each panel's own judge, from easy to hard. */
const targets = {
  digits: [1, 0.5, 0.3, 0.2, 0.15],
  portraits: [10, 5, 3, 2, 1],
  fashion: [10, 5, 3, 2, 1],
};

/** Of the perceptual loss, whose step takes three times as long. */
const perceptualRates = [5e-4, 1e-3];

/** Fewer iterations to the same quality? */
export const convergence: Study = {
  name: "convergence",
  title: "Does MFD converge in fewer steps?",
  question:
    "How many training steps does it take to given Fréchet distances of one-step samples, from the same denoiser, with the pixel loss, MFD, and both together? " +
    "MFD in the same network untrained says how much of it any features do. Training is as published for CIFAR-10 (Easy Consistency Tuning, q = 256 in one stage, c = 0, a constant rate), " +
    "shorter and of smaller networks. Each loss has the learning rate that was best for it on the tuning seed.",
  measures: [
    "metric",
    "steps",
    "frechet2",
    "paired",
    "parallel",
    "precision",
    "recall",
    "kernelDistance",
    "laplacian",
    "denoising 0.2",
    "denoising 0.4",
    "denoising 0.8",
    "gradientNoise",
  ],
  plan: (quick) => ({
    // One seed to choose on: an evening on a laptop, not a night.
    seeds: { ...seeds(quick), tune: [0] },
    reference: "pixel",
    targets: quick ? [50] : targets,
    cells: panels.slice(0, quick ? 1 : undefined).flatMap(({ panel, dataset, ...lengths }) => {
      const start = imageStart(quick);
      const training = { ...imageTraining(quick), ...(!quick && lengths) };
      const cell = (arm: string, loss: LossPlan, tried = learningRates, from = start): Cell =>
        consistencyCell({
          panel,
          dataset,
          arm,
          loss,
          start: from,
          training: {
            ...training,
            learningRates: quick ? tried.slice(0, arm === "pixel" ? 2 : 1) : tried,
          },
          recording: imageRecording(quick),
        });
      return [
        cell("pixel", imageArms.pixel),
        cell("MFD", imageArms.MFD),
        cell("MFD untrained", imageArms.MFD, learningRates, untrained(start)),
        // Both together gained nothing on digits; a real perceptual loss is of pictures in colour.
        quick || panel === "digits"
          ? cell("pixel + MFD", together(imageArms, { ramp: training.steps / 20 }))
          : cell("perceptual", perceptualArm, perceptualRates),
      ];
    }),
  }),
};
