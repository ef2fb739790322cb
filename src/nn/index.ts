export * from "./features.js";
export * as functional from "./functional.js";
export * from "./mlp.js";
export * from "./network.js";
export * from "./published.js";
export * from "./resnet.js";
export * from "./song-unet.js";
export * from "./unet.js";
export * from "./vgg.js";
