import type { ArmName } from "./messages.js";
import type { Pushes } from "./training/pushes.js";

/** What is seen now, in words. */
export interface Headline {
  /** One sentence for each model. */
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
  return toward >= 0.55 ? "points to the manifold" : "points across the manifold, to either side";
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Which model's samples are closer to the data; differences under a tenth are not worth a word. */
export function compareSamples(quality: Record<ArmName, number>): string {
  const { pixel, MFD } = quality;
  const numbers = `${pixel.toFixed(2)} with the pixel loss, ${MFD.toFixed(2)} with MFD`;
  if (Math.abs(pixel - MFD) < 0.1 * Math.max(pixel, MFD))
    return `Samples are about as close to the data with both (${numbers}).`;
  return `Samples are closer to the data with ${pixel < MFD ? "the pixel loss" : "MFD"} so far (${numbers}).`;
}

/** The headline over `iterations` iterations of measurements at a noise level. */
export function headline(
  { pixel, MFD }: Record<ArmName, Pushes>,
  quality: Record<ArmName, number>,
  t: number,
  iterations: number,
): Headline {
  return {
    text: `Pixel loss: the tangent ${verdict(pixel)}. MFD: it ${verdict(MFD)}.`,
    detail:
      `At noise level t = ${t}, over the last ${iterations} iterations: with the pixel loss ${percent(pixel.along)} of the push runs along the manifold, ` +
      `and ${percent(pixel.takenBack)} of that is taken back by later pushes; with MFD ${percent(MFD.along)} runs along it. Chance is 50 %. ${compareSamples(quality)}`,
  };
}
