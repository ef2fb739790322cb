// A study of a few steps, and a bench that says what was trained.
import { join } from "node:path";
import { byName } from "../../datasets/index.js";
import { consistencyCell } from "../../src/experiments/consistency.js";
import type { LossPlan } from "../../src/experiments/loss.js";
import type { Stage } from "../../src/experiments/prepare.js";
import type { Cell, StudyPlan } from "../../src/experiments/study.js";
import type { Bench } from "../../src/experiments/trial.js";
import { weightsCache } from "../../src/experiments/weights.js";

export const stage = { steps: 4, batchSize: 8, learningRate: 1e-3 };
export const cell = (
  arm: string,
  loss: LossPlan,
  learningRates: number[],
  { dataset = "circle", judge = null }: { dataset?: string; judge?: Stage | null } = {},
): Cell =>
  consistencyCell({
    panel: dataset,
    dataset,
    arm,
    loss,
    start: { denoiser: stage, features: { ...stage, probability: 0.5 }, judge, seed: 0 },
    training: { steps: 6, tuningSteps: 5, batchSize: 4, q: 2, stages: 2, ema: 0.9, learningRates },
    recording: { every: 3, count: 64, examples: 2 },
  });
export const plan: StudyPlan = {
  seeds: { tune: [0], report: [1, 2] },
  reference: "pixel",
  targets: [1000, 1e-9],
  cells: [cell("pixel", { name: "pixel" }, [1e-4, 1e-2]), cell("MFD", { name: "MFD", layers: [-1] }, [1e-3])],
};
/** What was trained, by label, and steps that were skipped. */
export type CountingBench = Bench & { trained: string[]; skipped: number };

/** A bench that counts what is trained and what is skipped; `stopAt` is a label at whose first step it is interrupted. */
export function benchIn(folder: string, stopAt?: string): CountingBench {
  const controller = new AbortController();
  const self: CountingBench = {
    folder: join(folder, "runs"),
    resume: true,
    cache: weightsCache(join(folder, "cache")),
    prepared: new Map(),
    signal: controller.signal,
    trained: [],
    skipped: 0,
    dataset: (name) => byName(name),
    skip: (steps) => {
      self.skipped += steps;
    },
    follow: async (run, { label }) => {
      const iterator = run[Symbol.asyncIterator]();
      for (;;) {
        const next = await iterator.next();
        if (next.done) return next.value;
        if (self.trained.at(-1) !== label) self.trained.push(label);
        if (label === stopAt && next.value.step === 3) controller.abort("SIGINT");
      }
    },
  };
  return self;
}
