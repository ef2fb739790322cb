/** The index that a position outside [0, size) is read at: borders are mirrors in the middle of the first and last element, as PyTorch's "reflect". */
export function reflect(index: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1);
  const phase = ((index % period) + period) % period;
  return Math.min(phase, period - phase);
}
