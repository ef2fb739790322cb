/** What a participant's steps gave: seconds and metrics of each. */
export interface Run {
  readonly seconds: readonly number[];
  readonly metrics: readonly { readonly [name: string]: number }[];
}

/** One way to compute a workload's steps, ready at its start. */
export interface Runner {
  readonly name: string;
  /** Anything worth saying about how it was set up. */
  readonly setting: string;
  /** The next `steps` steps. */
  run(steps: number): Promise<Run>;
  close(): Promise<void>;
}
