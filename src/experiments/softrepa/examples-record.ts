import type { ArrayRecord } from "../../loop/record.js";

export type SplitName = "seen" | "held-out";

/** Images to look at, [captions, ...shape] each. */
export interface ExamplesRecord {
  split: SplitName;
  captions: string[];
  /** By arm. */
  images: Record<string, ArrayRecord>;
  /** By arm: whether the read-out agrees, with every image. */
  right: Record<string, boolean[]>;
  /** Real images of the same captions. */
  real: ArrayRecord;
}
