export * from "./denoising.js";
export type { Denoiser, DenoiserConfig } from "./edm.js";
export * as edm from "./edm.js";
export * from "./ode.js";
export * from "./sampling.js";
export * from "./times.js";
export * from "./trigflow.js";
