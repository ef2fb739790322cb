export { fromArray } from "./arrays.js";
export { byName, type DatasetOptions, names } from "./by-name.js";
export type { Batch, Dataset, Manifold } from "./dataset.js";
export { type DigitsOptions, digits } from "./digits.js";
export { embed } from "./embed.js";
export { circle, moons, sphere, spiral, swissRoll, torus } from "./toys.js";
