/** How tf.image's resizing places pixels; at most one of the two is true. */
export type Resizing = {
  alignCorners: boolean;
  /** Default false: tfjs leaves it out of some attributes. */
  halfPixelCenters?: boolean;
};

function ratioOf(from: number, to: number, { alignCorners }: Resizing): number {
  return alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
}

/** For each of `to` places along an axis the one of `from` places that is nearest. */
export function nearestSources(from: number, to: number, how: Resizing): number[] {
  const ratio = ratioOf(from, to, how);
  return Array.from({ length: to }, (_, i) => {
    const position = how.halfPixelCenters ? ratio * (i + 0.5) : ratio * i;
    return Math.min(from - 1, Math.max(0, how.alignCorners ? Math.round(position) : Math.floor(position)));
  });
}

/** For each of `to` places along an axis the two of `from` places that it lies between, each with its weight. */
export function interpolated(
  from: number,
  to: number,
  how: Resizing,
): readonly (readonly [place: number, weight: number])[][] {
  const ratio = ratioOf(from, to, how);
  return Array.from({ length: to }, (_, i) => {
    const position = how.halfPixelCenters ? ratio * (i + 0.5) - 0.5 : ratio * i;
    const floor = Math.max(0, Math.floor(position));
    const fraction = position - floor;
    return [
      [floor, 1 - fraction],
      [Math.min(from - 1, Math.ceil(position)), fraction],
    ] as const;
  });
}
