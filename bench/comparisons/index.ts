import type { Comparison } from "./comparison.js";
import { live } from "./live.js";
import { folder, parquet, webDataset, webDatasetJpeg, zip } from "./pictures.js";
import { umap, umap20000, umap60000 } from "./umap.js";

export type { Comparison } from "./comparison.js";

/** What `npm run bench` measures besides training steps, by name. */
export const comparisons: Readonly<Record<string, Comparison>> = {
  umap,
  umap20000,
  umap60000,
  live,
  parquet,
  webDataset,
  webDatasetJpeg,
  zip,
  folder,
};
