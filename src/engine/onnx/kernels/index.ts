import type { Kernel } from "../backend.js";
import { convolutions } from "./conv.js";
import { contractions } from "./einsum.js";
import { elementwise } from "./elementwise.js";
import { gathers } from "./gather.js";
import { products } from "./matmul.js";
import { pools } from "./pool.js";
import { rearrangements } from "./rearrange.js";
import { reductions } from "./reduce.js";
import { resizes } from "./resize.js";
import { shapes } from "./shape.js";

/** Every tfjs kernel that compiled steps cover, by its tfjs name. */
export const kernels: Readonly<Record<string, Kernel>> = {
  ...elementwise,
  ...reductions,
  ...products,
  ...convolutions,
  ...pools,
  ...resizes,
  ...shapes,
  ...rearrangements,
  ...contractions,
  ...gathers,
};
