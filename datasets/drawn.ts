import { check } from "../src/errors.js";
import { type Parametrization, standardized } from "./curve.js";
import type { Dataset } from "./dataset.js";
import { alongCurves } from "./generated.js";
import { scaled, type Vector } from "./manifold.js";

/** Points along a pen's stroke, in order; in any unit. */
export type Stroke = readonly (readonly [x: number, y: number])[];

/** Nodes that a stroke is drawn with. */
const NODES = 40;

/** Ends nearer to each other than this share of the stroke's length are joined. */
const JOINED = 0.12;

/**
 * What a hand drew, as one or more smooth curves in the plane, moved and scaled to mean 0 and a standard deviation of 0.5 per coordinate; uniform in length.
 * A stroke that ends near its start is closed.
 * @throws TangentLabError `invalid-argument` without strokes, or for one without length or with numbers that are not finite.
 */
export function drawn(strokes: readonly Stroke[]): Dataset {
  const isList: boolean = Array.isArray(strokes);
  check(isList && strokes.length >= 1, "strokes", strokes, "one or more lists of points");
  strokes.forEach((stroke, i) => {
    const arePoints: boolean = Array.isArray(stroke) && stroke.every((point) => Array.isArray(point));
    check(arePoints, `strokes[${i}]`, stroke, "a list of points [x, y]");
    check(
      stroke.every(([x, y]) => Number.isFinite(x) && Number.isFinite(y)),
      `strokes[${i}]`,
      "a number that is not finite",
      "finite coordinates",
    );
    check(lengthOf(stroke) > 0, `strokes[${i}]`, stroke.slice(0, 2), "two or more different points");
  });
  return alongCurves("drawn", standardized(strokes.map(smooth)));
}

/** A smooth curve along a stroke: equally spaced nodes, averaged with their neighbours, joined by Catmull-Rom's cubics. */
function smooth(stroke: Stroke): Parametrization {
  const [first, last] = [stroke[0]!, stroke[stroke.length - 1]!];
  const gap = Math.hypot(first[0] - last[0], first[1] - last[1]);
  const closed = stroke.length > 2 && gap < JOINED * lengthOf(stroke);
  const path = closed ? [...stroke, first] : stroke;
  let nodes = equallySpaced(path, closed ? NODES + 1 : NODES);
  if (closed) nodes.pop();
  for (let pass = 0; pass < 2; pass++) nodes = averaged(nodes, closed);
  return catmullRom(nodes, closed);
}

/** Nodes of a curve, as far apart as one of the path's length divided by `count` - 1. */
function equallySpaced(path: Stroke, count: number): Vector[] {
  const total = lengthOf(path);
  const nodes: Vector[] = [path[0]!];
  let walked = 0;
  for (let i = 1; i < path.length; i++) {
    const [a, b] = [path[i - 1]!, path[i]!];
    const piece = Math.hypot(b[0] - a[0], b[1] - a[1]);
    while (nodes.length < count - 1 && (nodes.length * total) / (count - 1) <= walked + piece) {
      const share = ((nodes.length * total) / (count - 1) - walked) / piece;
      nodes.push([a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])]);
    }
    walked += piece;
  }
  nodes.push(path[path.length - 1]!);
  return nodes;
}

/** Each node moved half way to the middle of its neighbours; the ends of an open curve stay. */
function averaged(nodes: readonly Vector[], closed: boolean): Vector[] {
  const n = nodes.length;
  return nodes.map((node, i) => {
    if (!closed && (i === 0 || i === n - 1)) return node;
    const [before, after] = [nodes[(i - 1 + n) % n]!, nodes[(i + 1) % n]!];
    return node.map((value, k) => value / 2 + (before[k]! + after[k]!) / 4);
  });
}

/** The cubic spline through nodes whose velocity at each is half the step from its neighbour before to the one after (Catmull and Rom 1974). */
function catmullRom(nodes: readonly Vector[], closed: boolean): Parametrization {
  const n = nodes.length;
  const node = (i: number): Vector => {
    if (closed) return nodes[((i % n) + n) % n]!;
    // Beyond an open end the curve continues straight.
    if (i < 0) return nodes[0]!.map((value, k) => 2 * value - nodes[1]![k]!);
    if (i >= n) return nodes[n - 1]!.map((value, k) => 2 * value - nodes[n - 2]![k]!);
    return nodes[i]!;
  };
  const end = closed ? n : n - 1;
  /** Weighted sums of the four nodes around u, with weights that depend on the place f in [0, 1] between the middle two. */
  const blend =
    (weights: (f: number) => readonly [number, number, number, number]) =>
    (u: number): Vector => {
      const i = Math.min(Math.max(Math.floor(u), 0), end - 1);
      const w = weights(u - i);
      const around = [node(i - 1), node(i), node(i + 1), node(i + 2)];
      return [0, 1].map((k) => around.reduce((sum, point, j) => sum + w[j]! * point[k]!, 0));
    };
  const halved = (blended: (u: number) => Vector) => (u: number) => scaled(blended(u), 0.5);
  return {
    start: 0,
    end,
    at: halved(
      blend((f) => [
        -f + 2 * f ** 2 - f ** 3,
        2 - 5 * f ** 2 + 3 * f ** 3,
        f + 4 * f ** 2 - 3 * f ** 3,
        -(f ** 2) + f ** 3,
      ]),
    ),
    velocity: halved(
      blend((f) => [
        -1 + 4 * f - 3 * f ** 2,
        -10 * f + 9 * f ** 2,
        1 + 8 * f - 9 * f ** 2,
        -2 * f + 3 * f ** 2,
      ]),
    ),
    acceleration: halved(blend((f) => [4 - 6 * f, -10 + 18 * f, 8 - 18 * f, -2 + 6 * f])),
  };
}

function lengthOf(stroke: Stroke): number {
  let sum = 0;
  for (let i = 1; i < stroke.length; i++)
    sum += Math.hypot(stroke[i]![0] - stroke[i - 1]![0], stroke[i]![1] - stroke[i - 1]![1]);
  return sum;
}
