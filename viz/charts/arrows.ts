import type { View } from "../spec.js";

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
