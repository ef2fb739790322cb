import type { Comparison } from "./comparison.js";
import { live } from "./live.js";
import { umap } from "./umap.js";

export type { Comparison } from "./comparison.js";

/** What `npm run bench` measures besides training steps, by name. */
export const comparisons: Readonly<Record<string, Comparison>> = { umap, live };
