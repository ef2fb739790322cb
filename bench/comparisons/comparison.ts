import type { Runner } from "../runner.js";

/** Something other than a training step that is measured beside another way to do it. */
export interface Comparison {
  readonly title: string;
  /** Largest relative difference between the metrics of both. */
  readonly tolerance: number;
  /** Ours and the other; a sentence why not where the other cannot be had. */
  runners(python: string, threads: number): Promise<[Runner, Runner] | string>;
}
