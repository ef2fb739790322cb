import { contours } from "d3-contour";
import { check, required } from "../../src/errors.js";
import { frame, notebookWidth } from "../frame.js";
import { thin } from "../projections/projection.js";
import type { Points, VegaLiteSpec, View } from "../spec.js";
import { formatCount, formatNumber } from "../text.js";
import { checkNames, checkPoints, checkSize } from "../validate.js";
import { arrowAngle, arrowLayers } from "./arrows.js";
import { panelTitle } from "./heat.js";
import {
  dataLayer,
  type Limits,
  panelGrid,
  panelsBeside,
  planeAxes,
  planePanel,
  roundedPlaces,
} from "./planes.js";

/** A function on a plane, sampled on a grid. */
export interface Slice {
  name: string;
  /** Values at [ys, xs], row by row from the least y. */
  values: ArrayLike<number>;
  /** Directions drawn as arrows, of one length, where they start: where the function's gradient (or its negative) points. Both [count, 2]. */
  arrows?: { at: Points; along: Points };
}

/** What `levelSets` draws. */
export interface LevelSetsInput {
  /** Coordinates of the grid along the two axes of the slice, rising and evenly spaced; at least two each. */
  xs: ArrayLike<number>;
  ys: ArrayLike<number>;
  /** Drawn beside each other, each with levels of its own. */
  slices: readonly Slice[];
  /** The data manifold, or points of it, [count, 2]. */
  data?: Points;
  /** Titles of the two axes. Default x₁ and x₂. */
  axes?: readonly [string, string];
  /** What the arrows are. Default "downhill". */
  arrowTitle?: string;
  /** Level sets per slice. Default 10; they enclose equal shares of the slice, so that flat and steep parts both show. */
  levels?: number;
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

/** Values along an axis that level sets are drawn from: more than a panel has pixels for. */
const maxValues = 250;
const maxData = 600;
const maxArrows = 300;

/**
 * Level sets of functions on a two-dimensional slice of data space, for instance the distance of features phi(x) from those of a data point
 * beside the distance of pixels, with arrows along their gradients. Colour is the rank of a level: dark low, bright high.
 * @throws TangentLabError `invalid-argument` for grids that are not rising and even, values that are not finite, or shapes that differ.
 */
export function levelSets(input: LevelSetsInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  const { slices, levels = 10, width = notebookWidth, axes = ["x₁", "x₂"] } = input;
  checkSize("width", width);
  checkNames("slices", slices);
  check(Number.isInteger(levels) && levels >= 1 && levels <= 40, "levels", levels, "an integer from 1 to 40");
  const [xs, ys] = [grid("xs", input.xs), grid("ys", input.ys)];
  checkSlices(input, xs, ys);
  const { columns, side } = panelGrid(slices.length, width, 420);
  const height = Math.round(side * Math.min(2, Math.max(0.3, (ys.high - ys.low) / (xs.high - xs.low))));
  const length = 0.07 * Math.min(xs.high - xs.low, ys.high - ys.low);
  const limits: Limits = { x: [xs.low, xs.high], y: [ys.low, ys.high] };
  const behind = input.data && roundedPlaces(thin(input.data, maxData));
  const views = slices.map(({ name, values, arrows }, i): View => {
    const { x, y } = planeAxes(axes, limits, i % columns === 0);
    const at = { x: x("x"), y: y("y") };
    const lines = contourLines(coarse(values, xs, ys), coarseGrid(xs), coarseGrid(ys), levels);
    return planePanel({ title: slices.length > 1 ? panelTitle(name) : undefined, side, height }, [
      ...(behind ? [dataLayer(behind, at, { opacity: 0.7 })] : []),
      contourLayer(lines, at),
      ...(arrows
        ? arrowLayers(
            arrowRows(arrows, length),
            x,
            y,
            {},
            { size: 70, mark: { style: "strong", tooltip: null } },
          )
        : []),
    ]);
  });
  return frame({
    title: input.title ?? `Level sets of ${slices.map(({ name }) => name).join(" and of ")}`,
    caption: notesOf(input, xs, ys),
    width,
    view: panelsBeside(views, columns),
  });
}

function checkSlices({ slices, data }: LevelSetsInput, xs: Grid, ys: Grid): void {
  if (data) checkPlane("data", data);
  for (const [i, { values, arrows }] of slices.entries()) {
    checkPoints(`slices[${i}].values`, { shape: [ys.count, xs.count], values }, ["ys", "xs"]);
    if (!arrows) continue;
    checkPlane(`slices[${i}].arrows.at`, arrows.at);
    checkPlane(`slices[${i}].arrows.along`, arrows.along);
    const same = arrows.at.shape[0] === arrows.along.shape[0];
    check(same, `slices[${i}].arrows.along.shape`, arrows.along.shape, `that of at, [${arrows.at.shape}]`);
  }
}

/** What the marks are, and what is not drawn. */
function notesOf({ slices, data, arrowTitle = "downhill" }: LevelSetsInput, xs: Grid, ys: Grid): string[] {
  const [drawnX, drawnY] = [coarseGrid(xs), coarseGrid(ys)];
  const arrows = Math.max(...slices.map((slice) => slice.arrows?.at.shape[0] ?? 0));
  const points = data?.shape[0] ?? 0;
  return [
    "Lines: level sets, dark low and bright high, with equal shares of the slice between them.",
    ...(slices.some((slice) => slice.arrows) ? [`Arrows, all of one length: ${arrowTitle}.`] : []),
    ...(arrows > maxArrows ? [`${maxArrows} of ${formatCount(arrows)} arrows drawn.`] : []),
    ...(drawnX.count < xs.count || drawnY.count < ys.count
      ? [
          `Of ${formatCount(xs.count)} × ${formatCount(ys.count)} values: read off at ${drawnX.count} × ${drawnY.count} places between them.`,
        ]
      : []),
    ...(data ? ["Grey: data."] : []),
    ...(points > maxData ? [`${maxData} of ${formatCount(points)} data points drawn.`] : []),
  ];
}

/** Contour lines, coloured by the rank of their levels. */
const contourLayer = (lines: readonly View[], at: View): View => ({
  data: { values: lines },
  transform: [{ flatten: ["x", "y"] }, { window: [{ op: "row_number", as: "order" }] }],
  mark: { type: "line", strokeWidth: 1.3, clip: true, interpolate: "linear" },
  encoding: {
    ...at,
    order: { field: "order", type: "quantitative" },
    detail: { field: "line", type: "nominal" },
    color: { field: "rank", type: "quantitative", scale: { domain: [0, 1], range: "ramp" }, legend: null },
    tooltip: [{ field: "level", type: "quantitative", format: ".3~g" }],
  },
});

interface Grid {
  low: number;
  high: number;
  count: number;
}

function grid(argument: string, values: ArrayLike<number>): Grid {
  const count = required(argument, values, "a list of coordinates").length;
  check(count >= 2 && count <= 1000, argument, `${count} values`, "2 to 1,000 values");
  const [low, high] = [values[0]!, values[count - 1]!];
  check(Number.isFinite(low) && Number.isFinite(high) && high > low, argument, [low, high], "rising numbers");
  for (let i = 0; i < count; i++) {
    const expected = low + ((high - low) * i) / (count - 1);
    const even = Math.abs(values[i]! - expected) <= 1e-3 * ((high - low) / (count - 1));
    check(even, `${argument}[${i}]`, values[i], `evenly spaced values: ${formatNumber(expected)}`);
  }
  return { low, high, count };
}

const coarseGrid = (grid: Grid): Grid => ({ ...grid, count: Math.min(grid.count, maxValues) });

/** The same function on a grid of at most `maxValues` along each axis, which has the same ends: linear between the values given. */
function coarse(values: ArrayLike<number>, xs: Grid, ys: Grid): ArrayLike<number> {
  const [columns, rows] = [coarseGrid(xs).count, coarseGrid(ys).count];
  if (columns === xs.count && rows === ys.count) return values;
  const out = new Float64Array(columns * rows);
  for (let i = 0; i < rows; i++) {
    const y = (i * (ys.count - 1)) / (rows - 1);
    const top = Math.min(Math.floor(y), ys.count - 2);
    for (let j = 0; j < columns; j++) {
      const x = (j * (xs.count - 1)) / (columns - 1);
      const left = Math.min(Math.floor(x), xs.count - 2);
      const row = (k: number): number => {
        const at = k * xs.count + left;
        return values[at]! + (x - left) * (values[at + 1]! - values[at]!);
      };
      out[i * columns + j] = row(top) + (y - top) * (row(top + 1) - row(top));
    }
  }
  return out;
}

const checkPlane = (argument: string, points: Points): void => {
  checkPoints(argument, points, ["count", "2"]);
  check(points.shape[1] === 2, `${argument}.shape`, points.shape, "[count, 2]");
};

/** Contour lines, one row each with the coordinates of its points, without the parts that run along the frame. */
function contourLines(values: ArrayLike<number>, xs: Grid, ys: Grid, levels: number): View[] {
  const sorted = Float64Array.from(values).sort();
  const thresholds = Array.from(
    { length: levels },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / (levels + 1))]!,
  );
  const distinct = [...new Set(thresholds)].filter((level) => level > sorted[0]!);
  const shapes = contours().size([xs.count, ys.count]).thresholds(distinct)(Array.from(values));
  const rows: View[] = [];
  for (const { value, coordinates } of shapes) {
    const rank = Number((distinct.indexOf(value) / Math.max(1, distinct.length - 1)).toFixed(3));
    const level = Number(value.toPrecision(4));
    for (const ring of coordinates.flat() as [number, number][][]) {
      // A part along the frame ends one line; the next begins behind it.
      const parts: { x: number[]; y: number[] }[] = [{ x: [], y: [] }];
      for (const [px, py] of ring) {
        const edge = px <= 0 || py <= 0 || px >= xs.count || py >= ys.count;
        if (edge) parts.push({ x: [], y: [] });
        else {
          parts.at(-1)!.x.push(place(px, xs));
          parts.at(-1)!.y.push(place(py, ys));
        }
      }
      for (const part of parts) if (part.x.length > 1) rows.push({ line: rows.length, level, rank, ...part });
    }
  }
  return rows;
}

/** A coordinate of d3-contour, which puts the grid's values at the centres of cells, to a two-thousandth of the axis or better. */
function place(at: number, { low, high, count }: Grid): number {
  const digits = Math.max(0, Math.min(20, Math.ceil(-Math.log10((high - low) / 2000))));
  return Number((low + ((high - low) * (at - 0.5)) / (count - 1)).toFixed(digits));
}

/** Arrows of one length, as rows. */
function arrowRows({ at, along }: NonNullable<Slice["arrows"]>, length: number): View[] {
  const ends = thin(along, maxArrows);
  return roundedPlaces(thin(at, maxArrows)).flatMap((start, i) => {
    const [dx, dy] = [ends.values[2 * i]!, ends.values[2 * i + 1]!];
    const norm = Math.hypot(dx, dy);
    if (norm === 0) return [];
    return [
      {
        ...start,
        x2: start.x + (dx * length) / norm,
        y2: start.y + (dy * length) / norm,
        length,
        angle: arrowAngle(dx, dy),
      },
    ];
  });
}
