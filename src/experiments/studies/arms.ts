import type { Objective } from "../objective.js";

/** Losses by the names that legends have, for points: of MFD the deepest features alone, which are the flattest along a manifold. */
export const pointArms = {
  pixel: { loss: "pixel" },
  MFD: { loss: "manifold", layers: [-1] },
} as const satisfies Record<string, Objective>;

/** For images: all features, as published. */
export const imageArms = {
  pixel: { loss: "pixel" },
  MFD: { loss: "manifold", layers: "all" },
} as const satisfies Record<string, Objective>;

/** The pixel loss and MFD together: MFD's weight rises to 1 over the first fifth of the steps. */
export const together = ({ MFD }: typeof pointArms | typeof imageArms, steps: number): Objective => ({
  ...MFD,
  loss: "mixed",
  lambda: 1,
  ramp: steps / 5,
});
