import { matrixShape } from "../projections/projection.js";
import type { Points, View } from "../spec.js";
import { formatPercent } from "../text.js";
import type { Channel } from "./planes.js";

/** An arrowhead whose tip lies at the point, turned by `angle`, clockwise from up. */
const head = "M0,0L0.42,1.1L0,0.85L-0.42,1.1Z";

/** The field `angle` of an arrow: in degrees clockwise from up on the screen. */
export const arrowAngle = (dx: number, dy: number): number =>
  Math.round((Math.atan2(dx, dy) * 1800) / Math.PI) / 10;

/**
 * Arrows of one data set, from (x, y) to (x2, y2), with heads turned by its field `angle`, in degrees clockwise from up on the screen; rows of no
 * `length` have no head. `color` and `tooltip` are what both layers share.
 */
export function arrowLayers(
  values: readonly View[],
  x: Channel,
  y: Channel,
  { color, ...rest }: { color?: View; tooltip?: View[] },
  options: { size?: number; mark?: View } = {},
): View[] {
  const { size = 110, mark = {} } = options;
  return [
    {
      data: { values },
      mark: { type: "rule", strokeWidth: 1.5, clip: true, ...mark },
      encoding: {
        x: x("x"),
        y: y("y"),
        x2: { field: "x2" },
        y2: { field: "y2" },
        ...(color && { color }),
        ...rest,
      },
    },
    {
      data: { values },
      transform: [{ filter: "datum.length > 0" }],
      mark: { type: "point", shape: head, filled: true, size, opacity: 1, clip: true, ...mark },
      encoding: {
        x: x("x2"),
        y: y("y2"),
        angle: { field: "angle", type: "quantitative", scale: null },
        ...(color && fillOf(color)),
        ...rest,
      },
    },
  ];
}

/** The colour of a filled mark. A field's goes to the fill alone: Vega's legend of a scale that lines and fills share has dots, that of lines alone is a band of colours. */
export const fillOf = (color: View): View =>
  "field" in color ? { fill: { ...color, legend: null } } : { color };

/** A length of arrows at which tangents of average norm are a quarter of the data's RMS distance from their mean. */
export function arrowLength(data: Points, tangents: readonly Points[]): number {
  const [count, dim] = matrixShape(data);
  const mean = new Float64Array(dim);
  for (let i = 0; i < count * dim; i++) mean[i % dim]! += data.values[i]! / count;
  let spread = 0;
  for (let i = 0; i < count * dim; i++) spread += (data.values[i]! - mean[i % dim]!) ** 2 / count;
  let square = 0;
  let number = 0;
  for (const { shape, values } of tangents) {
    for (let i = 0; i < values.length; i++) square += values[i]! ** 2;
    number += shape[0]!;
  }
  const norm = Math.sqrt(square / number);
  const length = norm > 0 && spread > 0 ? (0.25 * Math.sqrt(spread)) / norm : 1;
  return Number(length.toPrecision(2));
}

/** One run's arrows in a plane, at one or several recordings, and the tangents they stand for. */
export interface ShownTangents {
  name: string;
  arrows: readonly { start: Points; end: Points; tangents: Points }[];
}

/** A sentence for the caption: how much of the tangents of `dim` dimensions arrows of this length show, whose ends were projected as their starts were. */
export function planeNote(dim: number, length: number, runs: readonly ShownTangents[]): string {
  const shares = runs.map(({ name, arrows }) => {
    let inPlane = 0;
    let whole = 0;
    for (const { start, end, tangents } of arrows) {
      for (let i = 0; i < end.values.length; i++) inPlane += (end.values[i]! - start.values[i]!) ** 2;
      for (let i = 0; i < tangents.values.length; i++) whole += (length * tangents.values[i]!) ** 2;
    }
    return `${name} ${formatPercent(whole === 0 ? 0 : inPlane / whole)}`;
  });
  return `Of the tangents' squared norm in ${dim} dimensions this plane shows: ${shares.join(", ")}.`;
}
