import { performance } from "node:perf_hooks";
import { embed, spiral } from "../../datasets/index.js";
import * as consistency from "../../src/consistency/index.js";
import { describeDevice, useDevice } from "../../src/engine/device.js";
import type { TrainingEvent } from "../../src/loop/run.js";
import { Kernel } from "../peers/kernel.js";
import type { Run, Runner } from "../runner.js";
import type { Comparison } from "./comparison.js";

/** Steps that are timed at once: some updates of bars and chart. */
const steps = 2000;
/** Steps between two events: the chart has all the points that it may have after 10,000 steps. */
const eventEvery = 10;

/**
 * A training of small steps, where a display weighs most, shown by `viz.live` as in a notebook, against the same training that is only iterated over. All that
 * this process does for the display counts; the browser that draws is none of it.
 */
export const live: Comparison = {
  title: `${steps.toLocaleString("en-US")} steps of consistency training shown by viz.live, spiral in 16 dimensions, batch 16`,
  tolerance: 0,
  async runners() {
    await useDevice("onnx");
    const setting = await describeDevice();
    const kernel = await Kernel.start();
    // The built package, as in a notebook: under a TypeScript loader the last picture cannot be drawn.
    const built = new URL("../../dist/viz/index.js", import.meta.url).href;
    const viz = (await import(built)) as typeof import("../../viz/index.js");
    const shown = gated(setting, "viz.live", (events) => viz.live({ training: events }));
    const plain = gated(setting, "no display", async (events) => {
      for await (const _ of events);
    });
    const ours: Runner = {
      name: shown.name,
      run: shown.run,
      get setting() {
        const size = kernel.bytes / Math.max(1, kernel.messages) / 1024;
        return `${kernel.messages} messages of ${size.toFixed(1)} KiB on average`;
      },
      async close() {
        await shown.close();
        await kernel.close();
      },
    };
    return [ours, plain];
  },
};

/** A training that goes on for `steps` steps at a time, consumed by `consume`. */
function gated(
  setting: string,
  name: string,
  consume: (events: AsyncGenerator<TrainingEvent, void>) => Promise<unknown>,
): Runner {
  let left = 0;
  let last: TrainingEvent | undefined;
  let reached = (): void => {};
  let open = (_more: boolean): void => {};
  async function* events(): AsyncGenerator<TrainingEvent, void> {
    const data = embed(spiral(), 16);
    for await (const event of consistency.train(data, {
      steps: 1e6,
      batchSize: 16,
      eventEvery,
      recording: false,
    })) {
      if (left === 0) {
        // Asked for the event after the last one, so the consumer is done with that.
        const more = new Promise<boolean>((resolve) => {
          open = resolve;
        });
        reached();
        if (!(await more)) return;
      }
      left--;
      last = event;
      yield event;
    }
  }
  const consumed = (): Promise<void> =>
    new Promise((resolve) => {
      reached = resolve;
    });
  let ended: Promise<unknown> | undefined;
  return {
    name,
    setting,
    run: async (times) => {
      const seconds: number[] = [];
      const metrics: Run["metrics"][number][] = [];
      for (let i = 0; i < times; i++) {
        if (!ended) {
          const ready = consumed();
          ended = consume(events());
          await ready;
        }
        const done = consumed();
        const start = performance.now();
        left = steps / eventEvery;
        open(true);
        await done;
        seconds.push((performance.now() - start) / 1000);
        metrics.push({ loss: last!.metrics.loss! });
      }
      return { seconds, metrics };
    },
    close: async () => {
      open(false);
      await ended;
    },
  };
}
