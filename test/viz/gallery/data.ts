// Data of the gallery: made from formulas and seeded noise, in the shapes that training records. None of it was trained.
import * as random from "../../../src/engine/random.js";
import type { Points } from "../../../viz/index.js";

/** Standard normal draws that depend on the seed alone. */
export const normal = (seed: number, count: number): Float32Array => random.normal(random.key(seed), count);

export const points = (rows: readonly (readonly number[])[]): Points => ({
  shape: [rows.length, rows[0]!.length],
  values: rows.flat(),
});

const indices = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Points of the unit circle. */
export const circle = (count: number, radius = 1): number[][] =>
  indices(count).map((i) => {
    const angle = (2 * Math.PI * i) / count;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });

/** Outputs near the circle, with tangents along it (share 1) to across it (share 0). */
export function circleField(
  seed: number,
  count: number,
  share: number,
): { outputs: Points; tangents: Points; parallel: number[] } {
  const draws = normal(seed, 3 * count);
  const rows = indices(count).map((i) => {
    const angle = (2 * Math.PI * i) / count;
    const radius = 1 + 0.12 * draws[i]!;
    const along = Math.sqrt(share) * draws[count + i]!;
    const across = -Math.sqrt(1 - share) * Math.abs(draws[2 * count + i]!) * Math.sign(radius - 1);
    const [x, y] = [Math.cos(angle), Math.sin(angle)];
    return {
      output: [radius * x, radius * y],
      tangent: [across * x - along * y, across * y + along * x],
      parallel: along ** 2 / (along ** 2 + across ** 2),
    };
  });
  return {
    outputs: points(rows.map(({ output }) => output)),
    tangents: points(rows.map(({ tangent }) => tangent)),
    parallel: rows.map(({ parallel }) => parallel),
  };
}

/** A rolled sheet in space. */
export const swissRoll = (count: number): Points => {
  const draws = random.uniform(random.key(5), 2 * count);
  return points(
    indices(count).map((i) => {
      const angle = 1.5 * Math.PI * (1 + 2 * draws[i]!);
      return [
        (0.1 * angle * Math.cos(angle)) as number,
        0.1 * angle * Math.sin(angle),
        draws[count + i]! * 2 - 1,
      ];
    }),
  );
};

/** A soft disc on 16 x 16 pixels, as values in [-1, 1]. */
export const disc = (x: number, y: number, radius: number): number[] =>
  indices(256).map((i) => {
    const distance = Math.hypot((i % 16) - x, Math.floor(i / 16) - y);
    return 2 / (1 + Math.exp(2 * (distance - radius))) - 1;
  });

export const images = (list: readonly (readonly number[])[]): Points => ({
  shape: [list.length, 16, 16, 1],
  values: list.flat(),
});

export const minus = (a: readonly number[], b: readonly number[]): number[] =>
  a.map((value, i) => value - b[i]!);

/** A curve that falls to `end`, with noise that falls with it. */
export const falling = (seed: number, count: number, start: number, end: number): number[] => {
  const draws = normal(seed, count);
  return indices(count).map(
    (i) => (end + (start - end) * Math.exp((-5 * i) / count)) * (1 + 0.04 * draws[i]!),
  );
};
