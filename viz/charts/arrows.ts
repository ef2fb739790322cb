import { matrixShape } from "../projections/projection.js";
import type { Points, View } from "../spec.js";

/** An arrowhead whose tip lies at the point, turned by `angle`, clockwise from up. */
const head = "M0,0L0.42,1.1L0,0.85L-0.42,1.1Z";

/**
 * Arrows of one data set, from (x, y) to (x2, y2), with heads turned by its field `angle`, in degrees clockwise from up on the screen; rows of no
 * `length` have no head. `encoding` is what both layers share: colour, tooltip.
 */
export function arrowLayers(
  values: readonly View[],
  x: (field: string) => View,
  y: (field: string) => View,
  encoding: View,
  options: { size?: number; mark?: View } = {},
): View[] {
  const { size = 110, mark = {} } = options;
  return [
    {
      data: { values },
      mark: { type: "rule", strokeWidth: 1.5, clip: true, ...mark },
      encoding: { x: x("x"), y: y("y"), x2: { field: "x2" }, y2: { field: "y2" }, ...encoding },
    },
    {
      data: { values },
      transform: [{ filter: "datum.length > 0" }],
      mark: { type: "point", shape: head, filled: true, size, opacity: 1, clip: true, ...mark },
      encoding: {
        x: x("x2"),
        y: y("y2"),
        angle: { field: "angle", type: "quantitative", scale: null },
        ...encoding,
      },
    },
  ];
}

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
