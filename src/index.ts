// What `import ... from "tangent-lab"` gives: a namespace for each part.
export * as datasets from "../datasets/index.js";
export * as consistency from "./consistency/index.js";
export * as diffusion from "./diffusion/index.js";
export * as engine from "./engine/index.js";
export { type ErrorCode, TangentLabError } from "./errors.js";
export * as io from "./io/index.js";
export * as loop from "./loop/index.js";
export * as manifold from "./manifold/index.js";
export * as metrics from "./metrics/index.js";
export * as nn from "./nn/index.js";
export * as optim from "./optim/index.js";
export * as softrepa from "./softrepa/index.js";
