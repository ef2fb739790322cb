import { Matrix, solve } from "ml-matrix";
import * as random from "../src/engine/random.js";
import { orthonormal, type PointwiseManifold, type Vector } from "./manifold.js";

/** One of the numbers that an image is made from. */
export interface Factor {
  name: string;
  min: number;
  max: number;
  /** Whether max is the same as min again, as of an angle. */
  periodic?: boolean;
}

type Render = (values: Vector) => Float64Array;

/** Images among which the nearest are where the search for the nearest point begins, and how many of them. */
const BANK = 1024;
const STARTS = 2;
/** Steps of the search, at most. */
const STEPS = 30;
/** Share of a factor's range over which derivatives are taken: exact to about 1e-9 in double precision. */
const DIFFERENCE = 1e-5;

/** The images that a smooth `render` makes from factors in their ranges, as a manifold. */
export function factorManifold(
  factors: readonly Factor[],
  render: Render,
): Pick<PointwiseManifold, "nearest" | "tangents"> {
  let bank: { values: number[]; image: Float64Array }[] | undefined;
  const locate = (given: Vector): number[] => {
    const point = Float64Array.from(given);
    bank ??= drawBank(factors, render);
    const starts = bank
      .map(({ values, image }) => ({ values, error: squaredDistance(image, point) }))
      .sort((a, b) => a.error - b.error)
      .slice(0, STARTS);
    let best = { values: starts[0]!.values, error: Number.POSITIVE_INFINITY };
    for (const { values } of starts) {
      const found = descend(point, values, factors, render);
      if (found.error < best.error) best = found;
      if (best.error < 1e-10) break; // a point of the manifold, as precise as float32 has it
    }
    return best.values;
  };
  return {
    nearest: (point) => Array.from(render(locate(point))),
    tangents: (point) => orthonormal(jacobian(locate(point), factors, render).map((row) => Array.from(row))),
  };
}

function drawBank(factors: readonly Factor[], render: Render): { values: number[]; image: Float64Array }[] {
  const draws = random.uniform(random.key(0), BANK * factors.length);
  return Array.from({ length: BANK }, (_, i) => {
    const values = factors.map(({ min, max }, k) => min + (max - min) * draws[i * factors.length + k]!);
    return { values, image: render(values) };
  });
}

/** The factors whose image is nearest to `point`, near `start`: Levenberg-Marquardt within the ranges. */
function descend(
  point: Float64Array,
  start: readonly number[],
  factors: readonly Factor[],
  render: Render,
): { values: number[]; error: number } {
  let values = [...start];
  let image = render(values);
  let error = squaredDistance(image, point);
  let damping = 1e-3;
  for (let step = 0; step < STEPS; step++) {
    const J = jacobian(values, factors, render);
    const residual = image.map((value, k) => value - point[k]!);
    const gradient = J.map((row) => product(row, residual));
    // A factor at the end of its range that would leave it stays there.
    const free = factors.flatMap((factor, k) => (isHeld(factor, values[k]!, gradient[k]!) ? [] : [k]));
    if (free.length === 0) break;
    const normal = new Matrix(free.map((a) => free.map((b) => product(J[a]!, J[b]!))));
    for (let k = 0; k < free.length; k++) normal.set(k, k, normal.get(k, k) * (1 + damping) + 1e-12);
    const move = solve(normal, Matrix.columnVector(free.map((k) => -gradient[k]!))).to1DArray();
    const next = [...values];
    free.forEach((k, i) => {
      next[k] = within(factors[k]!, values[k]! + move[i]!);
    });
    const nextImage = render(next);
    const nextError = squaredDistance(nextImage, point);
    if (nextError >= error) {
      if (damping > 1e6) break;
      damping *= 10;
      continue;
    }
    const gained = error - nextError;
    [values, image, error] = [next, nextImage, nextError];
    damping = Math.max(damping / 10, 1e-9);
    if (gained < 1e-9 * error + 1e-14) break;
  }
  return { values, error };
}

const isHeld = ({ min, max, periodic }: Factor, value: number, gradient: number): boolean =>
  !periodic && ((value <= min && gradient > 0) || (value >= max && gradient < 0));

/** A value taken back into its range: around for periodic factors, to the end for others. */
function within({ min, max, periodic }: Factor, value: number): number {
  if (!periodic) return Math.min(max, Math.max(min, value));
  const range = max - min;
  return value - range * Math.floor((value - min) / range);
}

/** Derivatives of the image by each factor, [factors][values]. */
function jacobian(values: readonly number[], factors: readonly Factor[], render: Render): Float64Array[] {
  return factors.map(({ min, max }, k) => {
    const h = DIFFERENCE * (max - min);
    const at = (offset: number): Float64Array =>
      render(values.map((value, i) => (i === k ? value + offset : value)));
    const [after, before] = [at(h), at(-h)];
    return after.map((value, i) => (value - before[i]!) / (2 * h));
  });
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k]! - b[k]!) ** 2;
  return sum;
}
