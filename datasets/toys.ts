import * as random from "../src/engine/random.js";
import { type Curve, type Parametrization, standardized } from "./curve.js";
import type { Dataset } from "./dataset.js";
import { alongCurves, generated } from "./generated.js";
import { dot, scaled, unit, type Vector } from "./manifold.js";

// All have mean 0 and a standard deviation of 0.5 per coordinate (averaged over the coordinates), the sigma_data of EDM.

/** An Archimedean spiral of one and a half turns in the plane, uniform in length. */
export function spiral(): Dataset {
  const [only] = standardized([archimedean]);
  return alongCurves("spiral", [only!]);
}

/** The circle around 0 with radius 1/sqrt(2), uniform. */
export function circle(): Dataset {
  return onSphere("circle", 2);
}

/** The sphere around 0 in space with radius sqrt(3)/2, uniform. */
export function sphere(): Dataset {
  return onSphere("sphere", 3);
}

/** Two interleaved half circles in the plane, uniform in length; the label says which one. */
export function moons(): Dataset {
  const half: Parametrization = {
    start: 0,
    end: Math.PI,
    at: (u) => [Math.cos(u), Math.sin(u)],
    velocity: (u) => [-Math.sin(u), Math.cos(u)],
    acceleration: (u) => [-Math.cos(u), -Math.sin(u)],
  };
  const other: Parametrization = {
    ...half,
    at: (u) => [1 - Math.cos(u), 0.5 - Math.sin(u)],
    velocity: (u) => scaled(half.velocity(u), -1),
    acceleration: (u) => scaled(half.acceleration(u), -1),
  };
  return alongCurves("moons", standardized([half, other]));
}

/** A rolled-up rectangle in space, uniform in area: `spiral` in the first and third coordinate, the second in [-sqrt(3)/2, sqrt(3)/2]. */
export function swissRoll(): Dataset {
  const [roll] = standardized([archimedean]) as [Curve];
  const halfHeight = Math.sqrt(3) / 2;
  const inSpace = ([x, z]: Vector, y: number): number[] => [x!, y, z!];
  const locate = ([x, , z]: Vector): number => roll.locate([x!, z!]);
  return generated(
    "swiss-roll",
    {
      ambientDim: 3,
      dim: 2,
      nearest: (point) =>
        inSpace(roll.at(locate(point)), Math.min(halfHeight, Math.max(-halfHeight, point[1]!))),
      tangents: (point) => [inSpace(roll.tangent(locate(point)), 0), [0, 1, 0]],
    },
    (key, count) => {
      const uv = random.uniform(key, 2 * count);
      return {
        point: (i) => inSpace(roll.at(roll.atShare(uv[2 * i]!)), (2 * uv[2 * i + 1]! - 1) * halfHeight),
      };
    },
  );
}

/** A torus around the third axis, uniform in area: the tube's centre at radius 1/sqrt(2), its own radius half of that. */
export function torus(): Dataset {
  const major = Math.SQRT1_2; // major^2 + 2 minor^2 = 3/4 makes the mean variance 1/4
  const minor = major / 2;
  /** Directions from the axis to the tube's centre, and from there to the point. */
  const frame = ([x, y, z]: Vector): { out: Vector; normal: Vector } => {
    const out = [...unit([x!, y!]), 0];
    const [across, up] = unit([Math.hypot(x!, y!) - major, z!]) as [number, number];
    return { out, normal: [across * out[0]!, across * out[1]!, up] };
  };
  return generated(
    "torus",
    {
      ambientDim: 3,
      dim: 2,
      nearest: (point) => {
        const { out, normal } = frame(point);
        return out.map((value, k) => major * value + minor * normal[k]!);
      },
      tangents: (point) => {
        const { out, normal } = frame(point);
        const around = [-out[1]!, out[0]!, 0];
        return [around, cross(normal, around)];
      },
    },
    (key, count) => {
      const uv = random.uniform(key, 2 * count, 0, 2 * Math.PI);
      const point = (i: number): Vector => {
        const v = tubeAngle(uv[2 * i + 1]!, minor / major);
        const radius = major + minor * Math.cos(v);
        const u = uv[2 * i]!;
        return [radius * Math.cos(u), radius * Math.sin(u), minor * Math.sin(v)];
      };
      return { point };
    },
  );
}

const archimedean: Parametrization = {
  start: 1.5 * Math.PI,
  end: 4.5 * Math.PI,
  at: (u) => [u * Math.cos(u), u * Math.sin(u)],
  velocity: (u) => [Math.cos(u) - u * Math.sin(u), Math.sin(u) + u * Math.cos(u)],
  acceleration: (u) => [-2 * Math.sin(u) - u * Math.cos(u), 2 * Math.cos(u) - u * Math.sin(u)],
};

/** Uniform on the sphere around 0 in `dim` dimensions whose coordinates have deviation 0.5. */
function onSphere(name: string, dim: number): Dataset {
  const radius = 0.5 * Math.sqrt(dim);
  return generated(
    name,
    {
      ambientDim: dim,
      dim: dim - 1,
      nearest: (point) => scaled(unit(point), radius),
      tangents: (point) => complement(unit(point)),
    },
    (key, count) => {
      const z = random.normal(key, count * dim);
      return { point: (i) => scaled(unit(Array.from(z.subarray(i * dim, (i + 1) * dim))), radius) };
    },
  );
}

/** Orthonormal directions that span all that is orthogonal to a unit vector of 2 or 3 dimensions. */
function complement(normal: Vector): Vector[] {
  if (normal.length === 2) return [[-normal[1]!, normal[0]!]];
  // The axis that the normal is farthest from: what is left of it is never short.
  const smallest = normal.reduce(
    (best, value, k) => (Math.abs(value) < Math.abs(normal[best]!) ? k : best),
    0,
  );
  const axis = normal.map((_, k) => (k === smallest ? 1 : 0));
  const along = dot(axis, normal);
  const first = unit(axis.map((value, k) => value - along * normal[k]!));
  return [first, cross(normal, first)];
}

/** The angle v around the tube whose area, proportional to v + ratio sin v, is `area` in [0, 2 pi]: Newton's method. */
function tubeAngle(area: number, ratio: number): number {
  let v = area;
  for (let i = 0; i < 20; i++) v -= (v + ratio * Math.sin(v) - area) / (1 + ratio * Math.cos(v));
  return v;
}

const cross = (a: Vector, b: Vector): number[] => [
  a[1]! * b[2]! - a[2]! * b[1]!,
  a[2]! * b[0]! - a[0]! * b[2]!,
  a[0]! * b[1]! - a[1]! * b[0]!,
];
