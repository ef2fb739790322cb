export * from "./adam.js";
export * from "./ema.js";
export * from "./gradient.js";
export * from "./jvp.js";
export * from "./method.js";
export * from "./optimizer.js";
export * from "./radam.js";
export * from "./schedules.js";
