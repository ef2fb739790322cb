export type Numbers = Float32Array | Float64Array;

/** Typed numbers are taken as they are, others copied: the loops over them are many times as fast. */
export const typed = (values: ArrayLike<number>): Numbers =>
  values instanceof Float32Array || values instanceof Float64Array ? values : Float64Array.from(values);

/** Numbers after which a sum is compared with the limit. */
const stretch = 64;

/** Squared distance of the rows of x and y that begin at these places; once it is above `limit`, only some of it. */
export function squaredDistance(
  x: Numbers,
  a: number,
  y: Numbers,
  b: number,
  dim: number,
  limit: number,
): number {
  let sum = 0;
  for (let start = 0; start < dim; start += stretch) {
    const end = Math.min(start + stretch, dim);
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let d = start;
    for (; d + 3 < end; d += 4) {
      const d0 = x[a + d]! - y[b + d]!;
      const d1 = x[a + d + 1]! - y[b + d + 1]!;
      const d2 = x[a + d + 2]! - y[b + d + 2]!;
      const d3 = x[a + d + 3]! - y[b + d + 3]!;
      s0 += d0 * d0;
      s1 += d1 * d1;
      s2 += d2 * d2;
      s3 += d3 * d3;
    }
    for (; d < end; d++) s0 += (x[a + d]! - y[b + d]!) ** 2;
    sum += s0 + s1 + (s2 + s3);
    if (sum > limit) return sum;
  }
  return sum;
}
