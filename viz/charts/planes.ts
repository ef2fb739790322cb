// What charts of points in a plane share: places, limits, axes, panels and the data behind.
import type { Points, View } from "../spec.js";
import { inks } from "../theme.js";

export interface Place {
  x: number;
  y: number;
}

export interface Limits {
  x: [number, number];
  y: [number, number];
}

/** A channel of an encoding, for a field of the rows. */
export type Channel = (field: string) => View;

/** Five digits are more than a screen shows, and keep files small. */
export const rounded = (value: number, digits = 5): number => Number(value.toPrecision(digits));

/** Points of the plane, [count, 2], as rows. */
export const places = ({ shape, values }: Points): Place[] =>
  Array.from({ length: shape[0]! }, (_, i) => ({ x: values[2 * i]!, y: values[2 * i + 1]! }));

/** Of the places in small panels. */
export const panelDigits = 4;

export const roundedPlaces = (points: Points, digits = 5): Place[] =>
  places(points).map(({ x, y }) => ({ x: rounded(x, digits), y: rounded(y, digits) }));

/** Least and largest; of no values Infinity and -Infinity. */
export const extent = (values: readonly number[]): [number, number] =>
  values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );

/**
 * A square around the data: a unit is as long along both axes. It takes in `others` that are nearer to the data than `reach` times the data's extent; runaways stay outside.
 * @param room half the side, as a share of the larger extent: 0.5 fits.
 */
export function squareAround(
  data: readonly Place[],
  { others = [], reach = 0, room }: { others?: readonly Place[]; reach?: number; room: number },
): Limits {
  const range = (axis: "x" | "y"): [number, number] => {
    const [low, high] = extent(data.map((place) => place[axis]));
    const margin = Math.max(reach * (high - low), 1e-6);
    const near = others.map((place) => place[axis]).filter((at) => at > low - margin && at < high + margin);
    return extent([low, high, ...near]);
  };
  const [x, y] = [range("x"), range("y")];
  const half = Math.max(x[1] - x[0], y[1] - y[0], 1e-6) * room;
  const around = ([low, high]: [number, number]): [number, number] => [
    (low + high) / 2 - half,
    (low + high) / 2 + half,
  ];
  return { x: around(x), y: around(y) };
}

export const roundedLimits = ({ x, y }: Limits, digits = 5): Limits => ({
  x: [rounded(x[0], digits), rounded(x[1], digits)],
  y: [rounded(y[0], digits), rounded(y[1], digits)],
});

/** How many of the places are not drawn. */
export const countOutside = (all: readonly Place[], { x, y }: Limits): number =>
  all.filter((at) => at.x < x[0] || at.x > x[1] || at.y < y[0] || at.y > y[1]).length;

/** Panels beside each other, three at most, and a panel's width in pixels. */
export function panelGrid(
  count: number,
  width: number,
  widest = Number.POSITIVE_INFINITY,
): { columns: number; side: number } {
  const columns = Math.min(count, 3);
  return { columns, side: Math.min(widest, Math.floor((width - 70 - (columns - 1) * 18) / columns)) };
}

export const panelsBeside = (panels: readonly View[], columns: number): View => ({
  concat: panels,
  columns,
  spacing: 18,
});

/** The axes of a panel; the vertical one has its title and labels in the first column only. */
export function planeAxes(
  titles: readonly [string, string],
  limits: Limits,
  first: boolean,
): { x: Channel; y: Channel } {
  const channel =
    (axis: "x" | "y", title: string | null): Channel =>
    (field) => ({
      field,
      type: "quantitative",
      title,
      scale: { domain: limits[axis], nice: false, zero: false },
      axis: { grid: false, tickCount: 4, format: "~r", ...(title === null && { labels: false }) },
    });
  return { x: channel("x", titles[0]), y: channel("y", first ? titles[1] : null) };
}

/** A framed panel. */
export const planePanel = (
  { title, side, height = side }: { title?: View | undefined; side: number; height?: number },
  layer: readonly View[],
): View => ({
  ...(title && { title }),
  width: side,
  height,
  view: { stroke: inks.light.data, strokeOpacity: 0.4 },
  layer,
});

/** A point of the data, and where a projection has depth, how near it is to the eye. */
export interface DataPlace extends Place {
  near?: number;
}

export const withDepth = (all: readonly Place[], near: readonly number[] | undefined): DataPlace[] =>
  all.map((place, i) => (near ? { ...place, near: near[i]! } : place));

/** Data behind what a chart is about; what is far from the eye is fainter. */
export const dataLayer = (
  values: readonly DataPlace[],
  encoding: View,
  { size = 9, opacity = 0.55 }: { size?: number; opacity?: number } = {},
): View => ({
  data: { name: "background", values },
  mark: { type: "point", filled: true, size, opacity, clip: true, style: "data", tooltip: null },
  encoding: {
    ...encoding,
    ...(values.some(({ near }) => near !== undefined) && {
      opacity: { field: "near", type: "quantitative", scale: null },
    }),
  },
});

/** Places in a panel whose axes are not drawn; in the first column the run's name stands where the vertical one would be. */
export function hiddenAxes(limits: Limits, { title, color }: { title: string | null; color: string }): View {
  const axis = { labels: false, ticks: false, grid: false, domain: false };
  const channel = (field: "x" | "y"): View => ({
    field,
    type: "quantitative",
    title: null,
    scale: { domain: limits[field], nice: false, zero: false },
    axis,
  });
  const titled = { ...axis, titleColor: color, titleFontSize: 13, titleFontWeight: "bold" };
  return { x: channel("x"), y: { ...channel("y"), title, axis: titled } };
}

/** Points in their run's colour, over the data where there are some. */
export function pointLayers(
  points: readonly Place[],
  encoding: View,
  color: string,
  behind: readonly DataPlace[] | undefined,
  { size = 9, opacity = 0.8 }: { size?: number; opacity?: number } = {},
): View[] {
  return [
    ...(behind
      ? [
          // A word per point for screen readers, not its coordinates: the file is a third smaller.
          dataLayer(behind, { ...encoding, description: { value: "data" } }, { size: 5, opacity: 0.6 }),
        ]
      : []),
    {
      data: { values: points },
      mark: { type: "point", filled: true, size, opacity, clip: true, color },
      encoding: { ...encoding, description: { value: "sample" } },
    },
  ];
}
