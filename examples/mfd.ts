// Pixel loss, MFD and both together on a spiral in 16 dimensions: how much of each tangent runs along the curve?
import { consistency, datasets, diffusion, manifold } from "tangent-lab";
import * as viz from "tangent-lab/viz";

const steps = process.env.QUICK === "1" ? 16 : 2000;
const data = datasets.embed(datasets.spiral(), 16);

const denoiser = await diffusion.train(data, { steps });
const features = await manifold.train(data, { steps });

const beside = consistency.pseudoHuber();
const losses = {
  pixel: beside,
  MFD: consistency.mfd(features),
  "pixel + MFD": consistency.mfd(features, { beside, lambda: 1 }),
};
const runs: Record<string, diffusion.TrainedDenoiser> = {};
for (const [name, loss] of Object.entries(losses)) {
  runs[name] = await consistency.train(data, { from: denoiser, steps, batchSize: 16, loss, name });
}

await viz.save(viz.parallelShare(runs), "parallel-share.html");
await viz.save(viz.tangentField(runs), "tangents.html");
