/** Noise levels at which a consistency model was trained in discrete time, and how it is sampled: diffusers' CMStochasticIterativeScheduler. */
export interface ConsistencySchedule {
  /** Number of levels. Default 40. */
  steps?: number;
  /** Lowest level, at which the function is x itself. Default 0.002. */
  min?: number;
  /** Highest level. Default 80. */
  max?: number;
  /** Higher puts more levels at low noise. Default 7. */
  rho?: number;
  /** Whether what it gives is clipped to [-1, 1] when it is sampled. Default true. */
  clip?: boolean;
}

/** The noise of DDPM's steps, and what the network predicts: names and defaults of diffusers' DDPMScheduler. */
export interface DdpmSchedule {
  /** Number of steps. Default 1000. */
  steps?: number;
  /** How the variances of the steps grow. Default "linear". */
  betas?: "linear" | "scaled_linear" | "squaredcos_cap_v2";
  /** Of the first step. Default 0.0001. */
  start?: number;
  /** Of the last step. Default 0.02. */
  end?: number;
  /** The noise, the velocity of progressive distillation (2202.00512), or the data. Default "epsilon". */
  prediction?: "epsilon" | "v_prediction" | "sample";
}
