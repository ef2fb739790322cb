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
    const peer = Peer.start(python, "umap_learn.py", threads);
    try {
      return new UmapLearn(peer, (await peer.ask<{ version: string }>({ do: "hello" })).version);
    } catch {
      await peer.close();
      return undefined;
    }
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

  /** One fit: its seconds and the places of all points, [count, 2]. */
  fit(): Promise<{ seconds: number; embedding: number[] }> {
    return this.peer.ask({ do: "fit" });
  }

  close(): Promise<void> {
    return this.peer.close();
  }
}
