export type { Augmentation } from "./augment.js";
export { type ConsistencyFunctionConfig, consistencyFunction } from "./consistency-function.js";
export { type DdpmConfig, ddpm } from "./ddpm.js";
export { type DenoiseOptions, denoise } from "./denoise.js";
export { type DenoisingConfig, denoising, denoisingWeight } from "./denoising.js";
export { addNoise, type Denoiser, type DenoiserConfig, denoiser } from "./edm.js";
export { type Generated, type GenerateOptions, generate, type SamplerName } from "./generate.js";
export { loadDenoiser, saveDenoiser } from "./model-file.js";
export { type Denoise, eulerStep, heunStep, type OdeStep, velocity } from "./ode.js";
export { type ExportOptions, exportOnnx } from "./onnx-file.js";
export {
  type ChurnConfig,
  euler,
  heun,
  type KarrasConfig,
  karrasSigmas,
  type Solver,
  type StochasticSolver,
  stochastic,
} from "./sampling.js";
export type { ConsistencySchedule, DdpmSchedule } from "./schedule.js";
export { type LogNormal, logNormal } from "./times.js";
export { type DenoiserTraining, defaultNetwork, train } from "./train.js";
export {
  type Preconditioning,
  type PretrainedOptions,
  pretrained,
  type TrainedDenoiser,
} from "./trained.js";
export { trigflow } from "./trigflow.js";
