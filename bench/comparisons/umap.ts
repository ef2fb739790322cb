import { performance } from "node:perf_hooks";
import { digits } from "../../datasets/index.js";
import { describeDevice, useDevice } from "../../src/engine/device.js";
import { thin } from "../../viz/projections/projection.js";
import { trustworthiness } from "../../viz/projections/trustworthiness.js";
import { fitUmap } from "../../viz/projections/umap.js";
import type { Points } from "../../viz/spec.js";
import { UmapLearn } from "../peers/umap-learn.js";
import type { Run, Runner } from "../runner.js";
import type { Comparison } from "./comparison.js";

const size = 16;
const count = 5000;
const options = { neighbors: 15, minDistance: 0.1, seed: 0 };
/** Points on which a map's trustworthiness is measured. */
const judged = 1000;

/** One seeded UMAP of 5,000 images, neighbours included, against umap-learn's. Both maps must be about as trustworthy. */
export const umap: Comparison = {
  title: `UMAP, fitted on ${count.toLocaleString("en-US")} digits of ${size * size} pixels, seeded`,
  tolerance: 0.03,
  async runners(python, threads) {
    const peer = await UmapLearn.start(python, threads);
    if (!peer) return `${python} has no umap-learn (--python PATH)`;
    const points = await images();
    await peer.load(points, options);
    await useDevice("onnx");
    const setting = await describeDevice();
    const ours = runner("tangent-lab", setting, points, async () => {
      await useDevice("onnx");
      const start = performance.now();
      const { embedding } = await fitUmap(points, options);
      return { seconds: (performance.now() - start) / 1000, embedding: embedding.values };
    });
    const theirs = runner("umap-learn", `${peer.version}, 1 thread because seeded`, points, () => peer.fit());
    return [ours, { ...theirs, close: () => peer.close() }];
  },
};

/** The first training digits. */
async function images(): Promise<Points> {
  const data = await digits({ size });
  const values = data.examples!(Int32Array.from({ length: count }, (_, i) => i));
  return { shape: [count, size * size], values };
}

function runner(
  name: string,
  setting: string,
  points: Points,
  fit: () => Promise<{ seconds: number; embedding: ArrayLike<number> }>,
): Runner {
  return {
    name,
    setting,
    run: async (steps) => {
      const seconds: number[] = [];
      const metrics: Run["metrics"][number][] = [];
      for (let i = 0; i < steps; i++) {
        const fitted = await fit();
        seconds.push(fitted.seconds);
        const map = { shape: [count, 2], values: fitted.embedding };
        metrics.push({ trustworthiness: trustworthiness(thin(points, judged), thin(map, judged)) });
      }
      return { seconds, metrics };
    },
    close: async () => {},
  };
}
