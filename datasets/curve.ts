import { dot, scaled, unit, type Vector } from "./manifold.js";

/** A smooth curve, by its parameter u from `start` to `end`: the point and its first two derivatives. */
export interface Parametrization {
  start: number;
  end: number;
  at(u: number): Vector;
  velocity(u: number): Vector;
  acceleration(u: number): Vector;
}

export interface Curve extends Parametrization {
  readonly length: number;
  /** The parameter of the nearest point. */
  locate(point: Vector): number;
  /** The parameter at which the share `s` in [0, 1] of the length is behind. */
  atShare(s: number): number;
  /** Unit tangent. */
  tangent(u: number): Vector;
}

/** Pieces into which a curve is cut for the search of the nearest one and for lengths. */
const PIECES = 512;

/** Adds nearest points and arc length to a parametrization that turns little within 1/512 of its range. */
function curve(parametrization: Parametrization): Curve {
  const { start, end, at, velocity } = parametrization;
  const nodes = Array.from({ length: PIECES + 1 }, (_, i) => start + ((end - start) * i) / PIECES);
  const points = Float64Array.from(nodes.flatMap(at));
  const dim = points.length / nodes.length;
  const speed = (u: number): number => Math.hypot(...velocity(u));
  const lengths = [0];
  for (let i = 0; i < PIECES; i++) {
    const [a, b] = [nodes[i]!, nodes[i + 1]!];
    const simpson = ((b - a) / 6) * (speed(a) + 4 * speed((a + b) / 2) + speed(b));
    lengths.push(lengths[i]! + simpson);
  }
  const length = lengths[PIECES]!;
  return {
    ...parametrization,
    length,
    locate(point) {
      const distances = new Float64Array(PIECES + 1);
      for (let i = 0, j = 0; i <= PIECES; i++) {
        for (let k = 0; k < dim; k++, j++) distances[i]! += (points[j]! - point[k]!) ** 2;
      }
      let best = start;
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i <= PIECES; i++) {
        if (i > 0 && distances[i]! > distances[i - 1]!) continue;
        if (i < PIECES && distances[i]! > distances[i + 1]!) continue;
        const u = refine(parametrization, point, nodes[Math.max(0, i - 1)]!, nodes[Math.min(PIECES, i + 1)]!);
        const distance = squaredDistance(at(u), point);
        if (distance < least) [best, least] = [u, distance];
      }
      return best;
    },
    atShare(s) {
      const target = s * length;
      let low = 0;
      let high = PIECES;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (lengths[middle]! <= target) low = middle;
        else high = middle;
      }
      const within = (target - lengths[low]!) / (lengths[high]! - lengths[low]!);
      return nodes[low]! + within * (nodes[high]! - nodes[low]!);
    },
    tangent: (u) => unit(velocity(u)),
  };
}

/** The same curves moved and scaled together, so that points uniform along them have mean 0 and deviation 0.5 per coordinate. */
export function standardized(parametrizations: readonly Parametrization[]): Curve[] {
  const curves = parametrizations.map(curve);
  const total = curves.reduce((sum, { length }) => sum + length, 0);
  const samples = curves.flatMap(({ length, at, atShare }) =>
    Array.from({ length: PIECES }, (_, i) => ({
      weight: length / total / PIECES,
      point: at(atShare((i + 0.5) / PIECES)),
    })),
  );
  const dim = samples[0]!.point.length;
  const mean = Array.from({ length: dim }, (_, k) =>
    samples.reduce((sum, { weight, point }) => sum + weight * point[k]!, 0),
  );
  const variance =
    samples.reduce((sum, { weight, point }) => sum + weight * squaredDistance(point, mean), 0) / dim;
  const factor = 0.5 / Math.sqrt(variance);
  return parametrizations.map((original) =>
    curve({
      ...original,
      at: (u) => original.at(u).map((value, k) => (value - mean[k]!) * factor),
      velocity: (u) => scaled(original.velocity(u), factor),
      acceleration: (u) => scaled(original.acceleration(u), factor),
    }),
  );
}

/** Where the distance to `point` is least within [low, high]: Newton's method on its derivative, bisecting where that leaves the bracket. */
function refine(curve: Parametrization, point: Vector, low: number, high: number): number {
  const slope = (u: number): number => dot(minus(curve.at(u), point), curve.velocity(u));
  if (slope(low) >= 0) return low;
  if (slope(high) <= 0) return high;
  let u = (low + high) / 2;
  for (let i = 0; i < 60; i++) {
    const g = slope(u);
    if (g < 0) low = u;
    else high = u;
    const velocity = curve.velocity(u);
    const newton = u - g / (dot(velocity, velocity) + dot(minus(curve.at(u), point), curve.acceleration(u)));
    if (Math.abs(newton - u) <= 1e-13 * (1 + Math.abs(u))) return u;
    u = newton > low && newton < high ? newton : (low + high) / 2;
  }
  return u;
}

const minus = (a: Vector, b: Vector): number[] => a.map((value, i) => value - b[i]!);

export function squaredDistance(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
