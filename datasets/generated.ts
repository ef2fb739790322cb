import * as random from "../src/engine/random.js";
import { displayedDataset } from "../src/engine/self-display.js";
import { check } from "../src/errors.js";
import { type Content, fingerprintOf, once } from "../src/io/fingerprint.js";
import { type Curve, squaredDistance } from "./curve.js";
import type { Batch, Dataset } from "./dataset.js";
import { fromPointwise, type PointwiseManifold, type Vector } from "./manifold.js";

/** What the draws for a batch make of its example i. */
export interface Examples {
  point(i: number): Vector;
  label?(i: number): number;
}

/** A dataset whose examples are computed from draws. */
export function generated(
  name: string,
  manifold: PointwiseManifold,
  draw: (key: random.Key, count: number) => Examples,
  numClasses?: number,
): Dataset {
  const { ambientDim } = manifold;
  const sample = (key: random.Key, count: number): Batch => {
    check.count("count", count, 0);
    const { point, label } = draw(key, count);
    const x = new Float32Array(count * ambientDim);
    for (let i = 0; i < count; i++) x.set(point(i), i * ambientDim);
    return label ? { x, labels: Int32Array.from({ length: count }, (_, i) => label(i)) } : { x };
  };
  return displayedDataset<Dataset>({
    name,
    shape: [ambientDim],
    size: Number.POSITIVE_INFINITY,
    sample,
    fingerprint: once(() => fingerprintOf([{ shape: [ambientDim], numClasses }, ...firstDraws(sample)])),
    manifold: fromPointwise(manifold),
    ...(numClasses !== undefined && { numClasses }),
  });
}

/** What stands for data without an end: a thousand examples, and so the program that makes them. */
export function firstDraws(sample: Dataset["sample"], count = 1000): Content[] {
  const { x, labels } = sample(random.key(0), count);
  return labels ? [x, labels] : [x];
}

/** Uniform along one or more curves; several are classes. */
export function alongCurves(name: string, curves: readonly Curve[]): Dataset {
  const total = curves.reduce((sum, { length }) => sum + length, 0);
  const nearest = (point: Vector): { index: number; u: number } => {
    const candidates = curves.map((curve, index) => {
      const u = curve.locate(point);
      return { index, u, distance: squaredDistance(curve.at(u), point) };
    });
    return candidates.reduce((best, each) => (each.distance < best.distance ? each : best));
  };
  return generated(
    name,
    {
      ambientDim: curves[0]!.at(curves[0]!.start).length,
      dim: 1,
      nearest: (point) => {
        const { index, u } = nearest(point);
        return curves[index]!.at(u);
      },
      tangents: (point) => {
        const { index, u } = nearest(point);
        return [curves[index]!.tangent(u)];
      },
    },
    (key, count) => {
      const shares = random.uniform(key, count);
      const place = (i: number): { index: number; s: number } => {
        let s = shares[i]! * total;
        let index = 0;
        while (s > curves[index]!.length && index < curves.length - 1) s -= curves[index++]!.length;
        return { index, s: Math.min(1, s / curves[index]!.length) };
      };
      const point = (i: number): Vector => {
        const { index, s } = place(i);
        return curves[index]!.at(curves[index]!.atShare(s));
      };
      return curves.length === 1 ? { point } : { point, label: (i) => place(i).index };
    },
    curves.length > 1 ? curves.length : undefined,
  );
}
