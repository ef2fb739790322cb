export * from "./alignment.js";
export * from "./classifier.js";
export * from "./dual-encoder.js";
export * from "./frechet.js";
export * from "./manifold-distance.js";
export * from "./mmd.js";
export { type SlicedWassersteinConfig, slicedWasserstein } from "./sliced-wasserstein.js";
