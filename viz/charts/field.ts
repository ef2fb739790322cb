import { check } from "../../src/errors.js";
import { frame, notebookWidth } from "../frame.js";
import { pictureURI } from "../picture.js";
import { featurePlane } from "../projections/feature-plane.js";
import { planeOf } from "../projections/pca.js";
import {
  concatenate,
  fading,
  item,
  matrixShape,
  move,
  type Projection,
  plane,
  thin,
} from "../projections/projection.js";
import { trustworthiness } from "../projections/trustworthiness.js";
import { type UmapProjection, umap } from "../projections/umap.js";
import { fields, inputOf, type Runs } from "../runs.js";
import type { Points, VegaLiteSpec, View } from "../spec.js";
import { formatCount, formatNumber, formatPercent } from "../text.js";
import { inks, runColors } from "../theme.js";
import { checkLength, checkNames, checkPoints, checkSize, pointOrImageAxes } from "../validate.js";
import { arrowLayers, dataLayer, planeNote, arrowLength as quarterRadius } from "./arrows.js";

/** One run's outputs and where its loss moves them. */
export interface FieldRun {
  name: string;
  /** f(x_t, t), [count, dim] or [count, height, width, channels]. */
  outputs: Points;
  /** Directions in which the loss moves the outputs, of the same shape. */
  tangents: Points;
  /** A number per output, shown as the arrows' colour on a scale shared by all runs: a loss or a distance. */
  values?: ArrayLike<number>;
  /** Per output, the share of its tangent's squared norm parallel to the data manifold: lets the title state the finding. NaN where a tangent has no length. */
  parallel?: ArrayLike<number>;
}

/** What `tangentField` draws. */
export interface TangentFieldInput {
  /** Data to draw behind the arrows, of the outputs' shape. */
  data: Points;
  runs: readonly FieldRun[];
  /** `auto`: points in the plane as they are, other points (and fewer than 8 images) by PCA of the data, images by UMAP of data and outputs together. */
  projection?: "auto" | "plane" | "pca" | "umap" | Projection;
  /** Arrows go from f to f + arrowLength * tangent, in units of data space. Default: an average arrow is a quarter of the data's RMS radius. */
  arrowLength?: number;
  /** `features` where data, outputs and tangents are those of feature space, as `manifold.toFeatureSpace` gives them. Default `data`. */
  space?: "data" | "features";
  /** What `values` are, for the legend of colours. */
  valueTitle?: string;
  /** For UMAP. Default 0. */
  seed?: number;
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

/** Most data points and most arrows per run that are drawn. */
const maxData = 1000;
const maxArrows = 250;
/** UMAP needs at least as many. */
const fewest = 8;
/** Rounding may put a share just above 1. */
const slack = 1e-3;
/** UMAP and trustworthiness take seconds beyond this many points in all. */
const maxFitted = 600;

/**
 * Outputs and their tangents as arrows in one plane, run beside run, all with the same axes and the same scale of colours.
 * What the projection keeps and loses is printed under the chart.
 * @throws TangentLabError `invalid-argument` where shapes differ, or values are not finite.
 */
export function tangentField(
  given: TangentFieldInput | Runs,
  options: Partial<TangentFieldInput> = {},
): VegaLiteSpec {
  const input = inputOf(given, options, fields);
  const { seed = 0, width = notebookWidth, valueTitle = "value" } = input;
  checkSize("width", width);
  checkInput(input);
  const notes: string[] = [];
  const shared = input.runs.every((run) => run.values !== undefined);

  const images = input.data.shape.length > 2;
  const runs = input.runs.map((run) => thinRun(run, maxArrows));
  const total = runs.reduce((sum, run) => sum + run.outputs.shape[0]!, 0);
  const data = thin(input.data, images ? Math.max(100, maxFitted - total) : maxData);
  if (data !== input.data)
    notes.push(`${formatCount(data.shape[0]!)} of ${formatCount(input.data.shape[0]!)} data points drawn.`);
  const most = Math.max(...input.runs.map(({ outputs }) => outputs.shape[0]!));
  if (most > maxArrows) notes.push(`${maxArrows} of ${formatCount(most)} arrows drawn.`);

  const still = input.runs.reduce(
    (sum, { parallel = [] }) => sum + Array.from(parallel).filter(Number.isNaN).length,
    0,
  );
  if (still > 0) notes.push(`Left out of the shares: ${formatCount(still)} tangents without a length.`);

  const arrowLength =
    input.arrowLength ??
    quarterRadius(
      data,
      runs.map(({ tangents }) => tangents),
    );
  const together = concatenate([data, ...runs.map((run) => run.outputs)]);
  const features = input.space === "features";
  const tangents = concatenate(runs.map((run) => run.tangents));
  const map = choose(input.projection ?? "auto", data, together, seed, features ? tangents : undefined);
  const { projection } = map;
  const fitted = map.fittedOnAll?.embedding;

  const background = fitted ? slice(fitted, 0, data.shape[0]!) : projection.project(data);
  const faded = fading(projection, data);
  let offset = data.shape[0]!;
  const panels = runs.map((run) => {
    const count = run.outputs.shape[0]!;
    const start = fitted ? slice(fitted, offset, count) : projection.project(run.outputs);
    offset += count;
    const moved = move(run.outputs, run.tangents, arrowLength);
    // Outputs lie where the map was fitted on them, not where it would place them by the data.
    const end = map.fittedOnAll?.move(start, run.outputs, moved) ?? projection.project(moved);
    return { run, start, end };
  });

  const limits = square(background, panels);
  const outside = panels.reduce((sum, { start }) => sum + countOutside(start, limits), 0);
  if (outside > 0) notes.push(`Outside the frame: ${outside} of ${total} arrows.`);
  notes.unshift(...describe(map, together, panels, arrowLength, features));

  const columns = Math.min(runs.length, 3);
  const size = Math.floor((width - 70 - (columns - 1) * 18) / columns);
  const side = Math.min(size, 420);
  const color = shared
    ? {
        field: "value",
        type: "quantitative",
        scale: { range: "ramp" },
        legend: { type: "gradient", orient: "bottom", title: valueTitle, tickCount: 4, gradientLength: 200 },
      }
    : undefined;
  const colors = runColors(runs.map(({ name }) => name));
  const views = panels.map(({ run, start, end }, i): View => {
    const scale = (domain: readonly [number, number]) => ({ domain, nice: false, zero: false });
    const x = (field: string): View => ({
      field,
      type: "quantitative",
      title: projection.axes[0],
      scale: scale(limits.x),
      axis: { grid: false, tickCount: 4, format: "~r" },
    });
    const y = (field: string): View => ({
      field,
      type: "quantitative",
      title: i % columns === 0 ? projection.axes[1] : null,
      scale: scale(limits.y),
      axis: { grid: false, tickCount: 4, format: "~r", ...(i % columns === 0 ? {} : { labels: false }) },
    });
    const paint = color ?? { value: colors[i] };
    const tooltip = [
      { field: "index", type: "ordinal", title: "output" },
      ...(shared ? [{ field: "value", type: "quantitative", title: valueTitle, format: ".4~g" }] : []),
      ...(run.parallel ? [{ field: "parallel", type: "nominal", title: "parallel share" }] : []),
      ...(images ? [{ field: "image", type: "nominal" }] : []),
    ];
    const arrows = arrowRows(run, start, end, limits).map((row, k) => ({
      ...row,
      ...(images && { image: pictureURI(item(run.outputs, k), { scale: 3 }) }),
    }));
    return {
      title: { text: run.name, anchor: "middle", fontSize: 13, color: colors[i] },
      width: side,
      height: side,
      view: { stroke: inks.light.data, strokeOpacity: 0.4 },
      layer: [
        dataLayer(
          faded ? pairs(background).map((at, k) => ({ ...at, near: faded[k]! })) : pairs(background),
          { x: x("x"), y: y("y"), description: { value: "data" } },
          faded !== undefined,
        ),
        // Descriptions for screen readers would spell the images out.
        ...arrowLayers(arrows, x, y, { color: paint, tooltip }, images ? { mark: { aria: false } } : {}),
      ],
    };
  });
  return frame({
    title: input.title ?? fieldTitle(input.runs, projection, features),
    caption: notes,
    width,
    view: { concat: views, columns, spacing: 18 },
  });
}

const shareText = (share: number): string => (Number.isNaN(share) ? "none" : `${(100 * share).toFixed(1)}%`);

/** Arrow by arrow: where it starts and ends in the plane, and its angle on the screen, clockwise from up in degrees. */
function arrowRows(run: FieldRun, start: Points, end: Points, limits: Limits): View[] {
  const unit = limits.x[1] - limits.x[0];
  return pairs(start).map(({ x, y }, index) => {
    const x2 = end.values[2 * index]!;
    const y2 = end.values[2 * index + 1]!;
    const length = Math.hypot(x2 - x, y2 - y) / unit;
    return {
      index,
      x,
      y,
      x2: round(x2),
      y2: round(y2),
      length: length < 1e-4 ? 0 : round(length),
      angle: Math.round((Math.atan2(x2 - x, y2 - y) * 1800) / Math.PI) / 10,
      ...(run.values ? { value: run.values[index] } : {}),
      ...(run.parallel ? { parallel: shareText(run.parallel[index]!) } : {}),
    };
  });
}

function checkInput({ data, runs, arrowLength }: TangentFieldInput): void {
  checkNames("runs", runs);
  const axes = pointOrImageAxes("data", data);
  checkPoints("data", data, axes);
  for (const [i, run] of runs.entries()) {
    const argument = `runs[${i}]`;
    checkPoints(`${argument}.outputs`, run.outputs, axes);
    checkPoints(`${argument}.tangents`, run.tangents, axes);
    const example = data.shape.slice(1).join();
    check(
      run.outputs.shape.slice(1).join() === example,
      `${argument}.outputs.shape`,
      run.outputs.shape,
      `[count, ${example}]`,
    );
    check(
      run.tangents.shape.join() === run.outputs.shape.join(),
      `${argument}.tangents.shape`,
      run.tangents.shape,
      "that of outputs",
    );
    const count = run.outputs.shape[0]!;
    if (run.values) {
      checkLength(`${argument}.values`, run.values, count);
      checkPoints(`${argument}.values`, { shape: [count], values: run.values }, ["count"]);
    }
    if (run.parallel) {
      checkLength(`${argument}.parallel`, run.parallel, count);
      for (let k = 0; k < count; k++) {
        const share = run.parallel[k]!;
        const usable = Number.isNaN(share) || (share >= 0 && share <= 1 + slack);
        check(usable, `${argument}.parallel[${k}]`, share, "shares from 0 to 1, or NaN");
      }
    }
  }
  const usable = arrowLength === undefined || (Number.isFinite(arrowLength) && arrowLength > 0);
  check(usable, "arrowLength", arrowLength, "a positive number");
}

interface Chosen {
  projection: Projection;
  /** The same projection, where it was fitted on the very points that are shown. */
  fittedOnAll?: UmapProjection;
}

function choose(
  choice: TangentFieldInput["projection"] & {},
  data: Points,
  together: Points,
  seed: number,
  /** In feature space, to choose a plane that shows them. */
  tangents: Points | undefined,
): Chosen {
  if (typeof choice === "object") return { projection: choice };
  const [, dim] = matrixShape(data);
  const fits = together.shape[0]! >= fewest;
  check(choice !== "umap" || fits, "projection", choice, `"pca" for fewer than ${fewest} points in all`);
  check(
    choice !== "plane" || dim === 2,
    "projection",
    choice,
    `"pca" or "umap" for data of ${dim} dimensions`,
  );
  if (choice === "umap" || (choice === "auto" && data.shape.length > 2 && fits && data.shape[0]! >= 3)) {
    const map = umap(together, { seed, anchors: data.shape[0]! });
    return { projection: map, fittedOnAll: map };
  }
  if (choice === "plane" || (choice === "auto" && dim === 2)) return { projection: plane };
  check(
    choice === "auto" || choice === "pca",
    "projection",
    choice,
    '"auto", "plane", "pca", "umap" or a projection',
  );
  const projection = planeOf("data", data);
  return { projection: tangents && dim > 2 ? featurePlane(data, tangents) : projection };
}

interface Panel {
  run: FieldRun;
  start: Points;
  end: Points;
}

/** What the reader must know to trust the plane. */
function describe(
  map: Chosen,
  together: Points,
  panels: readonly Panel[],
  length: number,
  features: boolean,
): string[] {
  const arrows = features
    ? `In feature space. Arrows: from φ(f), ${formatNumber(length)} times the derivative of φ along the tangent. Grey: φ of data.`
    : `Arrows: from f to f + ${formatNumber(length)} · tangent. Grey: data.`;
  if (map.fittedOnAll) {
    const { seed, neighbors, embedding } = map.fittedOnAll;
    const trust = trustworthiness(together, embedding);
    return [
      arrows,
      `UMAP of data and outputs together, fitted once (${neighbors} neighbours, seed ${seed}); trustworthiness ${trust.toFixed(2)} (1: all neighbours in the plane are neighbours in the data). Arrows: how far the weighted mean of the nearest data moves.`,
    ];
  }
  if (map.projection.name === "UMAP") {
    const some = thin(together, maxFitted);
    const trust = some.shape[0]! < 4 ? "" : trustworthiness(some, map.projection.project(some)).toFixed(2);
    return [arrows, ...(trust ? [`UMAP, fitted before; trustworthiness of what is shown ${trust}.`] : [])];
  }
  const [, dim] = matrixShape(together);
  if (dim === 2) return [arrows];
  const shown = panels.map(({ run: { name, tangents }, start, end }) => ({
    name,
    arrows: [{ start, end, tangents }],
  }));
  return [
    arrows,
    ...(map.projection.note === undefined ? [] : [map.projection.note]),
    planeNote(dim, length, shown),
  ];
}

function fieldTitle(runs: readonly FieldRun[], projection: Projection, features: boolean): string {
  const shares = runs.flatMap((run) => {
    if (!run.parallel) return [];
    const values = Array.from(run.parallel).filter((share) => !Number.isNaN(share));
    if (values.length === 0) return [];
    return [`${run.name} ${formatPercent(values.reduce((a, b) => a + b, 0) / values.length)}`];
  });
  if (shares.length === runs.length)
    return `Share of the tangents parallel to the data manifold: ${shares.join(", ")}`;
  const fitted = projection.name === "PCA" || projection.name === "UMAP";
  return `Where the loss moves the outputs${features ? "' features" : ""}${fitted ? `, seen by ${projection.name}` : ""}`;
}

interface Limits {
  x: [number, number];
  y: [number, number];
}

/** A square around the data and the arrows near it: a unit is as long along both axes. Runaway outputs stay outside. */
function square(background: Points, panels: readonly Panel[]): Limits {
  const range = (axis: 0 | 1): [number, number] => {
    const of = ({ values }: Points): number[] => Array.from(values).filter((_, i) => i % 2 === axis);
    const extent = (values: readonly number[]): [number, number] =>
      values.reduce<[number, number]>(
        ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
        [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      );
    const data = of(background);
    const [low, high] = extent(data);
    const margin = Math.max((high - low) / 2, 1e-6);
    const near = panels
      .flatMap(({ start, end }) => [...of(start), ...of(end)])
      .filter((value) => value > low - margin && value < high + margin);
    return extent([...data, ...near]);
  };
  const [x, y] = [range(0), range(1)];
  const half = Math.max(x[1] - x[0], y[1] - y[0], 1e-6) * 0.53;
  const around = ([low, high]: [number, number]): [number, number] => [
    round((low + high) / 2 - half),
    round((low + high) / 2 + half),
  ];
  return { x: around(x), y: around(y) };
}

const countOutside = (points: Points, { x, y }: Limits): number =>
  pairs(points).filter((p) => p.x < x[0] || p.x > x[1] || p.y < y[0] || p.y > y[1]).length;

const pairs = ({ shape, values }: Points): { x: number; y: number }[] =>
  Array.from({ length: shape[0]! }, (_, i) => ({ x: round(values[2 * i]!), y: round(values[2 * i + 1]!) }));

function slice(points: Points, start: number, count: number): Points {
  const [, dim] = matrixShape(points);
  return { shape: [count, dim], values: Array.from(points.values).slice(start * dim, (start + count) * dim) };
}

function thinRun(run: FieldRun, count: number): FieldRun {
  if (run.outputs.shape[0]! <= count) return run;
  const column = (values: ArrayLike<number>) => thin({ shape: [values.length, 1], values }, count).values;
  return {
    name: run.name,
    outputs: thin(run.outputs, count),
    tangents: thin(run.tangents, count),
    ...(run.values ? { values: column(run.values) } : {}),
    ...(run.parallel ? { parallel: column(run.parallel) } : {}),
  };
}

/** Five digits are more than a screen shows, and keep files small. */
const round = (value: number): number => Number(value.toPrecision(5));
