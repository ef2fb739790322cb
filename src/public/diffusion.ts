export * from "../diffusion/index.js";
export { type DenoiseOptions, denoise } from "../training/denoise.js";
export {
  type DenoiserTraining,
  type Preconditioning,
  type TrainedDenoiser,
  trainDenoiser,
} from "../training/denoiser.js";
export { type Generated, type GenerateOptions, generate, type SamplerName } from "../training/generate.js";
export { loadDenoiser, saveDenoiser } from "../training/model-file.js";
export { type PretrainedOptions, pretrained } from "../training/pretrained.js";
