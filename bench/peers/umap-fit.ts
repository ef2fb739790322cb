import { digits } from "../../datasets/index.js";
import { fitUmap, type UmapOptions } from "../../viz/index.js";
import type { Points } from "../../viz/spec.js";

/** What our process is asked: the data at first, then fits of it. */
export type Request =
  | { readonly do: "load"; readonly count: number; readonly size: number; readonly options: UmapOptions }
  | { readonly do: "fit" };

export interface Fit {
  readonly seconds: number;
  /** [count, 2]. */
  readonly embedding: Float32Array;
  /** The most memory that the process has held, in MiB. */
  readonly memory: number;
}

/** The first training digits, [count, size * size]. */
export async function images(count: number, size: number): Promise<Points> {
  const data = await digits({ size });
  return {
    shape: [count, size * size],
    values: data.examples!(Int32Array.from({ length: count }, (_, i) => i)),
  };
}

// A process of its own for our fits, so that the memory it holds is theirs.
if (process.send) {
  const send = process.send.bind(process);
  let points: Points;
  let options: UmapOptions;
  process.on("message", async (request: Request) => {
    if (request.do === "load") {
      points = await images(request.count, request.size);
      options = request.options;
      send({});
      return;
    }
    const start = performance.now();
    const { embedding } = await fitUmap(points, options);
    const seconds = (performance.now() - start) / 1000;
    const fit: Fit = {
      seconds,
      embedding: Float32Array.from(embedding.values),
      memory: process.resourceUsage().maxRSS / 1024,
    };
    send(fit);
  });
}
