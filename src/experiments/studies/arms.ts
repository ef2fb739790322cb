import type { LossPlan } from "../loss.js";

/** Losses by the names that legends have, for points: of MFD the deepest features alone, which are the flattest along a manifold. */
export const pointArms = {
  pixel: { name: "pixel" },
  MFD: { name: "MFD", layers: [-1] },
} as const satisfies Record<string, LossPlan>;

/** For images: all features, as published. */
export const imageArms = {
  pixel: { name: "pixel" },
  MFD: { name: "MFD", layers: "all" },
} as const satisfies Record<string, LossPlan>;

/** The pixel loss and lambda MFD together: lambda rises over the first fifth of the steps. */
export const together = (
  { MFD }: typeof pointArms | typeof imageArms,
  steps: number,
  lambda = 1,
): LossPlan => ({ ...MFD, beside: "pixel", lambda, ramp: steps / 5 });
