export * from "./ect.js";
export * from "./losses.js";
export * from "./sampling.js";
export * from "./tangents.js";
