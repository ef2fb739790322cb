/**
 * Square grey images resized without aliasing: each new pixel is the mean of the area it covers.
 *
 * If padding by up to a sixth makes the old size a multiple of the new one (28 -> 32 for 16), images are first padded with black (0). Pixels are then means of
 * whole boxes. For larger sizes images are only padded.
 * @param images [count, from, from], 0 ... 255.
 * @returns [count, to, to]
 */
export function resizeSquares(images: Uint8Array, from: number, to: number): Uint8Array {
  const frame = frameSize(from, to);
  const weights = areaWeights(frame, to, Math.floor((frame - from) / 2), from);
  const count = images.length / (from * from);
  const out = new Uint8Array(count * to * to);
  const rows = new Float64Array(to * from); // rows resized, columns not yet
  for (let i = 0; i < count; i++) {
    const image = i * from * from;
    for (let y = 0; y < to; y++) {
      const { begin, values } = weights[y]!;
      for (let x = 0; x < from; x++) {
        let sum = 0;
        for (let k = 0; k < values.length; k++) sum += values[k]! * images[image + (begin + k) * from + x]!;
        rows[y * from + x] = sum;
      }
    }
    for (let y = 0; y < to; y++) {
      for (let x = 0; x < to; x++) {
        const { begin, values } = weights[x]!;
        let sum = 0;
        for (let k = 0; k < values.length; k++) sum += values[k]! * rows[y * from + begin + k]!;
        out[(i * to + y) * to + x] = Math.round(sum);
      }
    }
  }
  return out;
}

/** Size to which images are padded before resizing. */
function frameSize(from: number, to: number): number {
  if (to >= from) return to;
  const multiple = to * Math.ceil(from / to);
  return multiple <= (7 / 6) * from ? multiple : from;
}

/** For each new pixel the old pixels it covers, from `begin` on, and the share of it that each covers; padding has none. */
function areaWeights(
  frame: number,
  to: number,
  padding: number,
  from: number,
): { begin: number; values: Float64Array }[] {
  const width = frame / to;
  return Array.from({ length: to }, (_, pixel) => {
    const low = pixel * width - padding;
    const high = low + width;
    const begin = Math.max(0, Math.floor(low));
    const end = Math.min(from, Math.ceil(high));
    const values = Float64Array.from(
      { length: Math.max(0, end - begin) },
      (_, k) => (Math.min(high, begin + k + 1) - Math.max(low, begin + k)) / width,
    );
    return { begin, values };
  });
}
