// What `import ... from "tangent-lab"` gives: a namespace for each part. Methods get their ready-made training here, which the import
// directions keep out of the methods' own folders.
export * as datasets from "../datasets/index.js";
export { type ErrorCode, TangentLabError } from "./errors.js";
export * as nn from "./nn/index.js";
export * as optim from "./optim/index.js";
export * as consistency from "./public/consistency.js";
export * as diffusion from "./public/diffusion.js";
export * as engine from "./public/engine.js";
export * as io from "./public/io.js";
export * as manifold from "./public/manifold.js";
export * as metrics from "./public/metrics.js";
export * as softrepa from "./public/softrepa.js";
export * as training from "./training/index.js";
