import { adam } from "../src/optim/index.js";

/** What the options of anything that trains cannot be. */
export const trainingConfig = {
  optimizer: [null, "adam", {}, adam],
  learningRate: ["1e-3", 0, -1, Number.NaN, null],
  ema: ["0.999", -0.1, 1, Number.NaN, null, { decay: 2 }, { warmup: "yes" }],
} as const;
