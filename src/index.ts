/**
 * What `import ... from "tangent-lab"` gives: a namespace for each part.
 * @module tangent-lab
 */

/** Data: manifolds that are known exactly, images of known factors, files, folders, captions. */
export * as datasets from "../datasets/index.js";
/** Consistency models: objectives and losses as values, Align Your Tangent's MFD among them; tangents and where they point; training. */
export * as consistency from "./consistency/index.js";
/** Noise, denoisers and their training, samplers, trained models and their files. */
export * as diffusion from "./diffusion/index.js";
/** Tensors, trees and random keys; devices; compiled steps. */
export * as engine from "./engine/index.js";
export { type ErrorCode, type ErrorDetails, TangentLabError } from "./errors.js";
/** Studies of your own: a question, arms, seeds, intervals. */
export * as experiments from "./experiments/public.js";
/** Files: safetensors, NumPy arrays, images, checkpoints. */
export * as io from "./io/index.js";
/** The loop that runs any method: events, observers, records, resuming. */
export * as loop from "./loop/index.js";
/** Feature networks for MFD and their training; tangent spaces, known or estimated. */
export * as manifold from "./manifold/index.js";
/** Distances of sets of samples with intervals, and the networks that judge. */
export * as metrics from "./metrics/index.js";
/** Networks as pure functions of their parameters. */
export * as nn from "./nn/index.js";
/** Optimizers, schedules, averages, and what the loop needs of a method. */
export * as optim from "./optim/index.js";
/** Text to image by flow matching, and SoftREPA's soft tokens (2503.08250). */
export * as softrepa from "./softrepa/index.js";
