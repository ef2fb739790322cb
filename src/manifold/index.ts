export * from "./aligned.js";
export * from "./distance.js";
export { type Rows, toFeatureSpace } from "./feature-space.js";
export * from "./images.js";
export * from "./points.js";
export * from "./regression.js";
export * from "./split.js";
export * from "./training.js";
export type { Draws, Transformations, TransformationsConfig } from "./transformations.js";
