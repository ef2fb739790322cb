export * from "./features.js";
export * as functional from "./functional.js";
export * from "./mlp.js";
export * from "./network.js";
export * from "./unet.js";
