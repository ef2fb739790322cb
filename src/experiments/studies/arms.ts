import type { LossPlan } from "../loss.js";

/** Losses by the names that legends have, for points: of MFD the deepest features alone, which are the flattest along a manifold. */
export const pointArms = {
  pixel: { name: "pixel" },
  MFD: { name: "MFD", layers: [-1] },
} as const satisfies Record<string, LossPlan>;

/** For images, as published: the pixel loss is the norm of the difference, c = 0; MFD takes all features. */
export const imageArms = {
  pixel: { name: "pixel", c: 0 },
  MFD: { name: "MFD", layers: "all" },
} as const satisfies Record<string, LossPlan>;

/** LPIPS's form in a network that has seen ImageNet. */
export const perceptualArm: LossPlan = { name: "perceptual" };

/** The pixel loss and lambda MFD together, of which lambda rises over so many steps. */
export const together = (
  { pixel, MFD }: { readonly pixel: LossPlan; readonly MFD: LossPlan },
  { lambda = 1, ramp }: { lambda?: number; ramp: number },
): LossPlan => ({ ...MFD, ...(pixel.c !== undefined && { c: pixel.c }), beside: "pixel", lambda, ramp });
