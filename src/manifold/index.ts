export * from "./aligned.js";
export * from "./distance.js";
export * from "./feature-space.js";
export * from "./images.js";
export * from "./points.js";
export * from "./split.js";
export * from "./training.js";
export type { Draws, Transformations, TransformationsConfig } from "./transformations.js";
