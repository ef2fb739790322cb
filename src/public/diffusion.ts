export * from "../diffusion/index.js";
export { type DenoiserTraining, type TrainedDenoiser, trainDenoiser } from "../training/denoiser.js";
