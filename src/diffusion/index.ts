export * from "./denoising.js";
export * as edm from "./edm.js";
export { type Denoiser, type DenoiserConfig, denoiser } from "./edm.js";
export * from "./ode.js";
export * from "./sampling.js";
export * from "./times.js";
export * from "./trigflow.js";
