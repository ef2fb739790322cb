// Trains a denoiser on the engine that is named, for the tests of engines, and prints the loss of each step as JSON.
import * as datasets from "../../datasets/index.js";
import * as diffusion from "../../src/diffusion/index.js";
import { type DeviceName, useDevice } from "../../src/engine/device.js";

await useDevice(process.argv[2] as DeviceName);
const losses: number[] = [];
for await (const { metrics } of diffusion.train(datasets.circle(), {
  steps: 200,
  batchSize: 256,
  learningRate: 0.01,
  eventEvery: 1,
}))
  losses.push(metrics.loss!);
console.log(JSON.stringify(losses));
