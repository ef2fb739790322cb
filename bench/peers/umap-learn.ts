import type { UmapOptions } from "../../viz/index.js";
import type { Points } from "../../viz/spec.js";
import { Peer } from "./peer.js";

/** umap-learn in a Python. */
export class UmapLearn {
  private constructor(
    private readonly peer: Peer,
    readonly version: string,
  ) {}

  /** Undefined if that Python has no umap-learn, or is not there. */
  static async start(python: string, threads: number): Promise<UmapLearn | undefined> {
    const started = await Peer.start(python, "umap_learn.py", threads);
    return started && new UmapLearn(started.peer, started.version);
  }

  /** What the next fits are of. */
  async load(
    points: Points,
    options: Required<Pick<UmapOptions, "neighbors" | "minDistance" | "seed">>,
  ): Promise<void> {
    const { neighbors, minDistance, seed } = options;
    await this.peer.askWith(Float32Array.from(points.values), {
      do: "load",
      shape: points.shape,
      neighbors,
      min_distance: minDistance,
      seed,
    });
  }

  /** One fit: its seconds, the places of all points, [count, 2], and the most memory that the process has held, in MiB. */
  fit(): Promise<{ seconds: number; embedding: number[]; memory: number }> {
    return this.peer.ask({ do: "fit" });
  }

  close(): Promise<void> {
    return this.peer.close();
  }
}
