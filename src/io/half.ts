/** A number of IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 0) return sign * fraction * 2 ** -14;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction) * 2 ** (exponent - 15);
}

/** A number of 8 bits, E5M2: binary16 without the last 8 bits of its fraction. */
export const fromE5M2 = (bits: number): number => fromHalf(bits << 8);

/** A number of 8 bits, E4M3 (Micikevicius et al. 2022, "FP8 formats for deep learning"): no infinity, NaN where all other bits are set. */
export function fromE4M3(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1;
  const exponent = (bits >> 3) & 15;
  const fraction = (bits & 7) / 8;
  if (exponent === 15 && fraction === 7 / 8) return Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -6 : (1 + fraction) * 2 ** (exponent - 7));
}
