// Trains a denoiser and from it a consistency model on 16x16 digits, measures it and keeps it in a file.
import { consistency, datasets, diffusion, metrics } from "tangent-lab";
import * as viz from "tangent-lab/viz";

const steps = process.env.QUICK === "1" ? 4 : 2000;
const data = await datasets.digits({ size: 16 });

const denoiser = await diffusion.train(data, { steps, batchSize: 32 });

const run = consistency.train(data, {
  from: denoiser,
  steps,
  batchSize: 32,
  objective: consistency.ect({ stages: 4 }),
});
for await (const { step, total, metrics } of run) {
  if (step % Math.ceil(total / 10) === 0) console.log(`${step} of ${total}:`, metrics);
}
const model = await run; // the result of the same training: it runs once

const { frechet, precision, recall } = await metrics.evaluate(model, data, {
  count: steps < 100 ? 64 : 1000,
});
console.log({ frechet, precision, recall });

await diffusion.saveDenoiser("digits.safetensors", model);
await viz.save(viz.sampleGrids({ model }), "digits.png");
