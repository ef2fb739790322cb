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
import { runColors } from "../theme.js";
import { checkLength, checkNames, checkPoints, checkSize, pointOrImageAxes } from "../validate.js";
import { arrowAngle, arrowLayers, planeNote, arrowLength as quarterRadius } from "./arrows.js";
import { panelTitle } from "./heat.js";
import {
  countOutside,
  dataLayer,
  extent,
  type Limits,
  panelGrid,
  panelsBeside,
  places,
  planeAxes,
  planePanel,
  rounded,
  roundedLimits,
  roundedPlaces,
  squareAround,
  withDepth,
} from "./planes.js";

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
  const { width = notebookWidth, title, space } = input;
  checkSize("width", width);
  checkInput(input);
  const { data, runs, notes } = thinned(input);
  const placed = placeRuns(input, data, runs);
  const { projection } = placed.map;
  const around = placed.panels.flatMap(({ start, end }) => [...places(start), ...places(end)]);
  const limits = roundedLimits(
    squareAround(places(placed.background), { others: around, reach: 0.5, room: 0.53 }),
  );
  const starts = placed.panels.flatMap(({ start }) => roundedPlaces(start));
  const outside = countOutside(starts, limits);
  return frame({
    title: title ?? fieldTitle(input.runs, projection, space === "features"),
    caption: [
      ...describe(placed, space === "features"),
      ...notes,
      ...(outside > 0 ? [`Outside the frame: ${outside} of ${starts.length} arrows.`] : []),
    ],
    width,
    view: fieldPanels(input, data, placed, limits),
  });
}

/** What is drawn of the input, and sentences about what is not. */
function thinned({ data: all, runs: given }: TangentFieldInput): {
  data: Points;
  runs: FieldRun[];
  notes: string[];
} {
  const runs = given.map((run) => thinRun(run, maxArrows));
  const total = runs.reduce((sum, run) => sum + run.outputs.shape[0]!, 0);
  const data = thin(all, all.shape.length > 2 ? Math.max(100, maxFitted - total) : maxData);
  const most = Math.max(...given.map(({ outputs }) => outputs.shape[0]!));
  const still = given.reduce(
    (sum, { parallel = [] }) => sum + Array.from(parallel).filter(Number.isNaN).length,
    0,
  );
  const notes = [
    ...(data !== all
      ? [`${formatCount(data.shape[0]!)} of ${formatCount(all.shape[0]!)} data points drawn.`]
      : []),
    ...(most > maxArrows ? [`${maxArrows} of ${formatCount(most)} arrows drawn.`] : []),
    ...(still > 0 ? [`Left out of the shares: ${formatCount(still)} tangents without a length.`] : []),
  ];
  return { data, runs, notes };
}

interface Panel {
  run: FieldRun;
  start: Points;
  end: Points;
}

/** Data and arrows in the plane. */
interface Placed {
  map: Chosen;
  /** Data and outputs before they were projected. */
  together: Points;
  background: Points;
  panels: Panel[];
  arrowLength: number;
}

function placeRuns(input: TangentFieldInput, data: Points, runs: readonly FieldRun[]): Placed {
  const { projection: choice = "auto", seed = 0 } = input;
  const tangents = runs.map((run) => run.tangents);
  const arrowLength = input.arrowLength ?? quarterRadius(data, tangents);
  const together = concatenate([data, ...runs.map((run) => run.outputs)]);
  const inFeatures = input.space === "features" ? concatenate(tangents) : undefined;
  const map = choose(choice, data, together, seed, inFeatures);
  const { projection, fittedOnAll } = map;
  const fitted = fittedOnAll?.embedding;
  let offset = data.shape[0]!;
  const panels = runs.map((run) => {
    const count = run.outputs.shape[0]!;
    const start = fitted ? slice(fitted, offset, count) : projection.project(run.outputs);
    offset += count;
    const moved = move(run.outputs, run.tangents, arrowLength);
    // Outputs lie where the map was fitted on them, not where it would place them by the data.
    const end = fittedOnAll?.move(start, run.outputs, moved) ?? projection.project(moved);
    return { run, start, end };
  });
  const background = fitted ? slice(fitted, 0, data.shape[0]!) : projection.project(data);
  return { map, together, background, panels, arrowLength };
}

/** A panel per run, all with the same axes and the same scale of colours. */
function fieldPanels(
  { width = notebookWidth, valueTitle = "value" }: TangentFieldInput,
  data: Points,
  { map: { projection }, background, panels }: Placed,
  limits: Limits,
): View {
  const { columns, side } = panelGrid(panels.length, width, 420);
  const images = data.shape.length > 2;
  const behind = withDepth(roundedPlaces(background), fading(projection, data));
  const valued = panels.every(({ run }) => run.values !== undefined);
  const values = panels.flatMap(({ run }) => Array.from(run.values ?? []));
  const colors = runColors(panels.map(({ run }) => run.name));
  const views = panels.map((panel, i) => {
    const { name, parallel } = panel.run;
    const { x, y } = planeAxes(projection.axes, limits, i % columns === 0);
    const color = valued ? valueColor(valueTitle, values) : { value: colors[i] };
    const tooltip = [
      { field: "index", type: "ordinal", title: "output" },
      ...(valued ? [{ field: "value", type: "quantitative", title: valueTitle, format: ".4~g" }] : []),
      ...(parallel ? [{ field: "parallel", type: "nominal", title: "parallel share" }] : []),
      ...(images ? [{ field: "image", type: "nominal" }] : []),
    ];
    return planePanel({ title: panelTitle(name, colors[i]), side }, [
      dataLayer(behind, { x: x("x"), y: y("y"), description: { value: "data" } }),
      // Descriptions for screen readers would spell the images out.
      ...arrowLayers(
        arrowRows(panel, limits, images),
        x,
        y,
        { color, tooltip },
        images ? { mark: { aria: false } } : {},
      ),
    ]);
  });
  return panelsBeside(views, columns);
}

/** Arrows by their runs' values. */
const valueColor = (title: string, values: readonly number[]): View => ({
  field: "value",
  type: "quantitative",
  scale: { domain: extent(values), range: "ramp" },
  legend: { type: "gradient", orient: "bottom", title, tickCount: 4, gradientLength: 200 },
});

const shareText = (share: number): string => (Number.isNaN(share) ? "none" : `${(100 * share).toFixed(1)}%`);

/** Arrow by arrow: where it starts and ends in the plane, its angle on the screen, and the output as an image. */
function arrowRows({ run, start, end }: Panel, limits: Limits, images: boolean): View[] {
  const unit = limits.x[1] - limits.x[0];
  return roundedPlaces(start).map(({ x, y }, index) => {
    const x2 = end.values[2 * index]!;
    const y2 = end.values[2 * index + 1]!;
    const length = Math.hypot(x2 - x, y2 - y) / unit;
    return {
      index,
      x,
      y,
      x2: rounded(x2),
      y2: rounded(y2),
      length: length < 1e-4 ? 0 : rounded(length),
      angle: arrowAngle(x2 - x, y2 - y),
      ...(run.values ? { value: run.values[index] } : {}),
      ...(run.parallel ? { parallel: shareText(run.parallel[index]!) } : {}),
      ...(images && { image: pictureURI(item(run.outputs, index), { scale: 3 }) }),
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

/** What the reader must know to trust the plane. */
function describe({ map, together, panels, arrowLength: length }: Placed, features: boolean): string[] {
  const arrows = features
    ? `In feature space. Arrows: from φ(f), ${formatNumber(length)} times the derivative of φ along the tangent. Grey: φ of data.`
    : `Arrows: from f to f + ${formatNumber(length)} · tangent. Grey: data.`;
  if (map.fittedOnAll) {
    const { seed, neighbors, embedding } = map.fittedOnAll;
    const trust = trustworthiness(together, embedding);
    return [
      arrows,
      `UMAP of data and outputs together, fitted once (${neighbors} neighbours, seed ${seed}); trustworthiness ${trust.toFixed(2)} (1: all neighbours in the plane are neighbours in the data). An arrow ends where the nearest data hold the moved output in balance.`,
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
