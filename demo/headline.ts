import type { ArmName } from "./messages.js";
import type { Pushes } from "./training/pushes.js";

/** What is seen now, in words. */
export interface Headline {
  /** One sentence for each model, on a line of its own. */
  readonly text: string;
  /** The numbers behind it. */
  readonly detail: string;
}

/** Recordings before which there is nothing to say. */
export const FEWEST = 10;

/** What tangents do, in words that the numbers carry: `along` is by chance one half. */
export function verdict({ along, takenBack, toward }: Pushes): string {
  if (along >= 0.55) return takenBack >= 0.5 ? "oscillates along the manifold" : "runs along the manifold";
  if (along > 0.45) return "has no preferred direction";
  if (along > 0.3) return "leans across the manifold";
  return toward >= 0.6 ? "points to the manifold" : "points across the manifold, to either side";
}

const percent = (share: number): string => `${Math.round(100 * share)}\u00a0%`;

/** Which model's samples are closer to the data; differences under a tenth are not worth a word. */
export function compareSamples({ pixel, MFD }: Record<ArmName, number>): string {
  const numbers = `pixel ${pixel.toFixed(2)}, MFD ${MFD.toFixed(2)}`;
  if (Math.abs(pixel - MFD) < 0.1 * Math.max(pixel, MFD))
    return `Samples are about equally close to the data (${numbers}).`;
  return `Samples are closer to the data with ${pixel < MFD ? "the pixel loss" : "MFD"} (${numbers}).`;
}

/** The headline over `iterations` iterations of measurements at a noise level. */
export function headline(
  { pixel, MFD }: Record<ArmName, Pushes>,
  quality: Record<ArmName, number>,
  t: number,
  iterations: number,
): Headline {
  return {
    text: `Pixel loss: the tangent ${verdict(pixel)}.\nMFD: it ${verdict(MFD)}.`,
    detail:
      `At noise level t = ${t}, last ${iterations} iterations: ${percent(pixel.along)} of the pixel loss's push runs along the manifold, ` +
      `${percent(pixel.takenBack)} of it taken back later; of MFD's push ${percent(MFD.along)} (chance is 50\u00a0%). ${compareSamples(quality)}`,
  };
}
