import { performance } from "node:perf_hooks";
import { compile } from "../src/engine/compile.js";
import { type DeviceName, describeDevice, useDevice } from "../src/engine/device.js";
import * as tree from "../src/engine/tree.js";
import type { Run, Runner } from "./runner.js";
import type { Workload } from "./workloads/index.js";

/** The steps on one of our devices, in this process. Eager devices run the same function op by op. */
export async function ours(workload: Workload, device: DeviceName, name: string): Promise<Runner> {
  await useDevice(device);
  const setting = await describeDevice();
  let state = workload.state();
  const batch = workload.batch();
  const step = compile(workload.step, { donate: true });
  return {
    name,
    setting,
    run: async (steps) => {
      await useDevice(device);
      const seconds: number[] = [];
      const metrics: Run["metrics"][number][] = [];
      for (let i = 0; i < steps; i++) {
        const start = performance.now();
        const result = await step(state, batch);
        const values = Object.entries(result.metrics).map(([name, t]) => [name, t.dataSync()[0]!] as const);
        seconds.push((performance.now() - start) / 1000);
        state = result.state;
        metrics.push(Object.fromEntries(values));
        tree.dispose(result.metrics);
      }
      return { seconds, metrics };
    },
    close: async () => {
      tree.dispose(state);
      tree.dispose(batch);
    },
  };
}
