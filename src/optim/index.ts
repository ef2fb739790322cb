export { type AdamWConfig, adam, adamw } from "./adam.js";
export { type EmaConfig, ema, warmDecay } from "./ema.js";
export { type LossAndAux, valueAndGrad } from "./gradient.js";
export { jvp } from "./jvp.js";
export {
  type Batch,
  type Context,
  type Method,
  type MethodParts,
  type Metrics,
  method,
  type TrainingConfig,
  type TrainState,
} from "./method.js";
export type { AdamConfig, Optimizer, OptimizerState, Updated } from "./optimizer.js";
export { radam } from "./radam.js";
export { constant, cosine, cosineRestarts, type Restarts, type Schedule, warmup } from "./schedules.js";
