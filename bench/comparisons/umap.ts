import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { thin } from "../../viz/projections/projection.js";
import { trustworthiness } from "../../viz/projections/trustworthiness.js";
import type { Points } from "../../viz/spec.js";
import { type Fit, images, type Request } from "../peers/umap-fit.js";
import { UmapLearn } from "../peers/umap-learn.js";
import type { Run, Runner } from "../runner.js";
import type { Comparison } from "./comparison.js";

const options = { neighbors: 15, minDistance: 0.1, seed: 0 };

interface Size {
  count: number;
  /** Width and height of the images. */
  size: number;
  tolerance: number;
  trust(points: Points, map: Points): number;
}

/**
 * One seeded UMAP of images, neighbours included, against umap-learn's, which takes one thread then, as ours always does: each in a process of its own whose
 * peak memory is told beside. Both maps must be about as trustworthy.
 */
function comparison({ count, size, tolerance, trust }: Size): Comparison {
  return {
    title: `UMAP, fitted on ${count.toLocaleString("en-US")} digits of ${size * size} pixels, seeded`,
    tolerance,
    async runners(python, threads) {
      const peer = await UmapLearn.start(python, threads);
      if (!peer) return `${python} has no umap-learn (--python PATH)`;
      const points = await images(count, size);
      await peer.load(points, options);
      const own = await OwnProcess.start({ do: "load", count, size, options });
      const judge = (fit: Fit): number => trust(points, { shape: [count, 2], values: fit.embedding });
      return [
        runner(
          "tangent-lab",
          "1 thread",
          () => own.fit(),
          judge,
          () => own.close(),
        ),
        runner(
          "umap-learn",
          `${peer.version}, 1 thread because seeded`,
          async () => {
            const fit = await peer.fit();
            return { ...fit, embedding: Float32Array.from(fit.embedding) };
          },
          judge,
          () => peer.close(),
        ),
      ];
    },
  };
}

/** Of 1,000 points, as if they were all. */
const thinned = (points: Points, map: Points): number => trustworthiness(thin(points, 1000), thin(map, 1000));
/** Of 300 points among all of them. */
const sampled = (points: Points, map: Points): number => trustworthiness(points, map, 15, 300);

export const umap = comparison({ count: 5000, size: 16, tolerance: 0.03, trust: thinned });

export const umap20000 = comparison({ count: 20_000, size: 28, tolerance: 0.015, trust: sampled });

export const umap60000 = comparison({ count: 60_000, size: 28, tolerance: 0.015, trust: sampled });

/** Our fits, in a process of their own. */
class OwnProcess {
  private constructor(private readonly child: ReturnType<typeof fork>) {}

  static async start(request: Request): Promise<OwnProcess> {
    const script = fileURLToPath(new URL("../peers/umap-fit.ts", import.meta.url));
    const own = new OwnProcess(fork(script, { serialization: "advanced" }));
    await own.ask(request);
    return own;
  }

  fit(): Promise<Fit> {
    return this.ask({ do: "fit" }) as Promise<Fit>;
  }

  async close(): Promise<void> {
    const ended = once(this.child, "exit");
    this.child.disconnect();
    await ended;
  }

  private async ask(request: Request): Promise<unknown> {
    this.child.send(request);
    const ended = once(this.child, "exit").then(() => {
      throw new Error("the process of our fits ended");
    });
    const [answer] = await Promise.race([once(this.child, "message"), ended]);
    return answer;
  }
}

function runner(
  name: string,
  setting: string,
  fit: () => Promise<Fit>,
  judge: (fit: Fit) => number,
  close: () => Promise<void>,
): Runner {
  let memory = 0;
  return {
    name,
    get setting() {
      return `${setting}, peak memory ${memory.toFixed(0)} MiB`;
    },
    run: async (steps) => {
      const seconds: number[] = [];
      const metrics: Run["metrics"][number][] = [];
      for (let i = 0; i < steps; i++) {
        const fitted = await fit();
        seconds.push(fitted.seconds);
        memory = fitted.memory;
        metrics.push({ trustworthiness: judge(fitted) });
      }
      return { seconds, metrics };
    },
    close,
  };
}
