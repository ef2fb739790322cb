import { check } from "../../src/errors.js";
import { frame, notebookWidth, stepTicks } from "../frame.js";
import { checkImages, pictureURI } from "../picture.js";
import { planeOf } from "../projections/pca.js";
import { fading, item, matrixShape, move, type Projection, spread, thin } from "../projections/projection.js";
import { frames, inputOf, type Runs } from "../runs.js";
import type { Points, VegaLiteSpec, View } from "../spec.js";
import { expressionText, formatCount, formatNumber } from "../text.js";
import { runColors, runScale } from "../theme.js";
import { checkLength, checkList, checkNames, checkPoints, checkSize, pointOrImageAxes } from "../validate.js";
import {
  arrowAngle,
  arrowLayers,
  planeNote,
  arrowLength as quarterRadius,
  type ShownTangents,
} from "./arrows.js";
import { panelTitle } from "./heat.js";
import {
  countOutside,
  type DataPlace,
  dataLayer,
  extent,
  type Limits,
  type Place,
  panelGrid,
  panelsBeside,
  planeAxes,
  planePanel,
  rounded,
  roundedLimits,
  roundedPlaces,
  squareAround,
  withDepth,
} from "./planes.js";

/** What was measured at a run's fixed probes at one recording. */
export interface ExplorerFrame {
  step: number;
  /** f(x_t, t), [probes, dim] or [probes, height, width, channels]. */
  outputs: Points;
  /** Directions in which the loss moves the outputs, of the same shape. */
  tangents: Points;
  /** Per probe, the share of its tangent's squared norm parallel to the data manifold, or another number to follow; NaN where there is none. */
  values: ArrayLike<number>;
}

/** What `tangentExplorer` draws. */
export interface ExplorerInput {
  /** Data to draw behind, of the outputs' shape. */
  data: Points;
  /** Runs with the same probes and the same steps. */
  runs: readonly { name: string; frames: readonly ExplorerFrame[] }[];
  /** What `values` are. Default "parallel share". */
  valueTitle?: string;
  /** Default: points in the plane as they are, others by PCA of the data. */
  projection?: Projection;
  /** Arrows go from f to f + arrowLength * tangent. Default: an average arrow is a quarter of the data's RMS radius. */
  arrowLength?: number;
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

const maxFrames = 40;
const maxProbes = 80;
const maxData = 500;
/** Pictures to show on hovering make a chart large. */
const maxPictures = 1500;

/**
 * Tangents over training, to play with: a slider (and in HTML pages a play button) chooses the recording for all charts; a switch shows both losses or one,
 * on the same axes; a region brushed in the plane picks the probes whose mean is drawn below; hovering over an output shows it as an image, where it is one.
 * @throws TangentLabError `invalid-argument` where steps or shapes differ or values are not finite.
 */
export function tangentExplorer(
  given: ExplorerInput | Runs,
  options: Partial<ExplorerInput> = {},
): VegaLiteSpec {
  const input = inputOf(given, options, frames);
  const { data, runs, valueTitle = "parallel share", width = notebookWidth } = input;
  checkSize("width", width);
  checkInput(input);
  const projection = input.projection ?? planeOf("data", data);
  const arrowLength =
    input.arrowLength ??
    quarterRadius(
      data,
      runs.flatMap(({ frames }) => frames.map(({ tangents }) => tangents)),
    );
  const drawn = drawnTangents(runs, projection, arrowLength);
  const shown = shownOf(data, runs);
  const rows = arrowRows(runs, drawn, shown);
  const names = runs.map(({ name }) => name);
  const plane = planeBehind(data, projection);
  const [, dim] = matrixShape(data);
  const slider = shown.steps.length > 1 ? "Slider: the recording shown, dashed in the chart below. " : "";
  const spec = frame({
    title: input.title ?? endsTitle(runs, valueTitle),
    caption: [
      `Arrows: from f to f + ${formatNumber(arrowLength)} · tangent. Grey: data.`,
      `${slider}Brush a region above: only the probes whose outputs lie there are averaged below.`,
      ...(projection.note === undefined ? [] : [projection.note]),
      // On a map that is not linear an arrow's length is no share of its tangent's.
      ...(dim === 2 || projection.name === "UMAP" ? [] : [planeNote(dim, arrowLength, drawn)]),
      ...leftOut(shown, rows, plane.limits),
    ],
    width,
    view: {
      data: { values: rows },
      vconcat: [
        planePanels(names, plane, { width, valueTitle, pictures: shown.pictures }),
        meanCurve(rows, shown.steps, names, valueTitle, width),
      ],
      spacing: 16,
    },
  });
  return {
    ...spec,
    usermeta: { play: { param: "recording", frames: shown.steps.length } },
    params: controls(names, shown.steps.length),
  };
}

/** Every run's arrows in the plane, recording by recording. */
const drawnTangents = (
  runs: ExplorerInput["runs"],
  projection: Projection,
  arrowLength: number,
): ShownTangents[] =>
  runs.map(({ name, frames }) => ({
    name,
    arrows: spread(frames, maxFrames).map(({ outputs, tangents }) => ({
      start: projection.project(outputs),
      end: projection.project(move(outputs, tangents, arrowLength)),
      tangents,
    })),
  }));

/** What is shown of the runs, and how much there is. */
interface Shown {
  steps: readonly number[];
  probes: readonly number[];
  pictures: boolean;
  all: { steps: number; probes: number; pictures: boolean };
}

function shownOf(data: Points, runs: ExplorerInput["runs"]): Shown {
  const { frames } = runs[0]!;
  const count = frames[0]!.outputs.shape[0]!;
  const all = { steps: frames.length, probes: count, pictures: data.shape.length === 4 };
  const steps = spread(frames, maxFrames).map(({ step }) => step);
  const probes = spread([...Array(count).keys()], maxProbes);
  const pictures = all.pictures && runs.length * steps.length * probes.length <= maxPictures;
  return { steps, probes, pictures, all };
}

function leftOut({ steps, probes, pictures, all }: Shown, rows: readonly Place[], limits: Limits): string[] {
  const outside = countOutside(rows, limits);
  return [
    ...(outside > 0
      ? [
          `Outside the frame: ${formatCount(outside)} of ${formatCount(rows.length)} arrows, all recordings together.`,
        ]
      : []),
    ...(steps.length < all.steps ? [`${steps.length} of ${formatCount(all.steps)} recordings shown.`] : []),
    ...(probes.length < all.probes ? [`${probes.length} of ${formatCount(all.probes)} probes shown.`] : []),
    ...(all.pictures && !pictures ? ["Too many outputs to show their images on hovering."] : []),
  ];
}

/** The slider, the switch between losses, and the brush. */
const controls = (names: readonly string[], recordings: number): View[] => [
  {
    name: "recording",
    value: recordings - 1,
    ...(recordings > 1 && {
      bind: { input: "range", min: 0, max: recordings - 1, step: 1, name: "recording " },
    }),
  },
  { name: "loss", value: "all", bind: { input: "radio", options: ["all", ...names], name: "loss " } },
  {
    name: "brush",
    select: { type: "interval", encodings: ["x", "y"] },
    views: names.map((_, i) => `plane_${i}`),
  },
];

/** The data in the plane, and a square around them that leaves room for arrows. */
interface Plane {
  background: DataPlace[];
  limits: Limits;
  axes: Projection["axes"];
}

function planeBehind(data: Points, projection: Projection): Plane {
  const behind = thin(data, maxData);
  const all = roundedPlaces(projection.project(behind), digits);
  const background = withDepth(all, fading(projection, behind));
  const limits = roundedLimits(squareAround(background, { room: 0.66 }), digits);
  return { background, limits, axes: projection.axes };
}

/** A plane with the data for each run; the arrows of the recording that is shown come from the chart's own rows. */
function planePanels(
  names: readonly string[],
  { background, limits, axes }: Plane,
  { width, valueTitle, pictures }: { width: number; valueTitle: string; pictures: boolean },
): View {
  const { columns, side } = panelGrid(names.length, width);
  const tooltip = [
    { field: "probe", type: "ordinal" },
    { field: "value", type: "quantitative", title: valueTitle, format: ".3~g" },
    ...(pictures ? [{ field: "image", type: "nominal" }] : []),
  ];
  const colors = runColors(names);
  const panels = names.map((name, i): View => {
    const { x, y } = planeAxes(axes, limits, i % columns === 0);
    const shown = `datum.run === ${expressionText(name)} && datum.at === recording && (loss === 'all' || loss === datum.run)`;
    const arrows = arrowLayers([], x, y, { color: { value: colors[i] }, tooltip }, { mark: { aria: false } });
    return planePanel({ title: panelTitle(name, colors[i]), side }, [
      { name: `plane_${i}`, ...dataLayer(background, { x: x("x"), y: y("y") }) },
      ...arrows.map(({ data: _, transform, ...layer }) => ({
        ...layer,
        transform: [{ filter: shown }, ...((transform as View[] | undefined) ?? [])],
      })),
    ]);
  });
  return panelsBeside(panels, columns);
}

/** Every probe's arrow at every recording. */
function arrowRows(
  runs: ExplorerInput["runs"],
  drawn: readonly ShownTangents[],
  { probes, pictures }: Shown,
) {
  return runs.flatMap(({ name, frames }, run) =>
    spread(frames, maxFrames).flatMap(({ step, outputs, values }, at) => {
      const { start, end } = drawn[run]!.arrows[at]!;
      return probes.map((probe) => {
        const [x, y, x2, y2] = [start, end].flatMap(({ values }) => [
          round(values[2 * probe]!),
          round(values[2 * probe + 1]!),
        ]) as [number, number, number, number];
        return {
          run: name,
          probe,
          at,
          step,
          x,
          y,
          x2,
          y2,
          value: Number.isNaN(values[probe]!) ? null : round(values[probe]!),
          length: round(Math.hypot(x2 - x, y2 - y)),
          angle: arrowAngle(x2 - x, y2 - y),
          ...(pictures && { image: pictureURI(item(outputs, probe), { scale: 4 }) }),
        };
      });
    }),
  );
}

/** The mean of the probes in the brushed region, over training. */
function meanCurve(
  rows: readonly { value: number | null }[],
  steps: readonly number[],
  names: readonly string[],
  valueTitle: string,
  width: number,
): View {
  const time = {
    field: "step",
    type: "quantitative",
    title: "training step",
    // Given, because the brush may leave nothing to take it from.
    scale: { domain: [Math.min(...steps), Math.max(...steps, Math.min(...steps) + 1)], nice: false },
    axis: { grid: false, tickCount: stepTicks(width - 80), format: ",~f" },
  };
  return {
    width: width - 80,
    height: 130,
    // Probes are picked by where their outputs lie at the recording that is shown.
    transform: [
      { filter: "loss === 'all' || loss === datum.run" },
      { calculate: "datum.at === recording ? datum.x : null", as: "hereX" },
      { calculate: "datum.at === recording ? datum.y : null", as: "hereY" },
      {
        joinaggregate: [
          { op: "max", field: "hereX", as: "x" },
          { op: "max", field: "hereY", as: "y" },
        ],
        groupby: ["run", "probe"],
      },
      { filter: { param: "brush" } },
      { aggregate: [{ op: "mean", field: "value", as: "value" }], groupby: ["run", "step"] },
    ],
    layer: [
      {
        mark: { type: "line", strokeWidth: 2, point: { size: 30, filled: true } },
        encoding: {
          x: time,
          y: {
            field: "value",
            type: "quantitative",
            title: `mean ${valueTitle}`,
            scale: { domain: valueRange(rows), nice: true },
            axis: { tickCount: 4, format: ".2~f" },
          },
          color: { field: "run", type: "nominal", scale: runScale(names), legend: null },
        },
      },
      {
        data: { values: [{}] },
        mark: { type: "rule", style: "reference", strokeDash: [4, 4] },
        encoding: { x: { datum: { expr: `[${steps}][recording]` }, type: "quantitative" } },
      },
    ],
  };
}

function checkInput({ data, runs, arrowLength }: ExplorerInput): void {
  checkNames("runs", runs);
  const reserved = runs.every(({ name }) => name !== "all");
  check(reserved, "runs[].name", "all", "another name: it stands for all runs");
  const axes = pointOrImageAxes("data", data);
  checkPoints("data", data, axes);
  if (axes.length === 4) checkImages("data", data);
  for (const [i, { frames }] of runs.entries()) checkList(`runs[${i}].frames`, frames);
  const steps = runs[0]!.frames.map(({ step }) => step);
  const shape = runs[0]!.frames[0]!.outputs?.shape ?? [];
  for (const [i, { frames }] of runs.entries()) {
    const own = frames.map(({ step }) => step);
    check(
      own.join() === steps.join(),
      `runs[${i}].frames[].step`,
      own,
      `the steps of the first run: ${steps}`,
    );
    for (const [j, { step, outputs, tangents, values }] of frames.entries()) {
      const argument = `runs[${i}].frames[${j}]`;
      check(Number.isFinite(step), `${argument}.step`, step, "a finite number");
      checkPoints(`${argument}.outputs`, outputs, axes);
      checkPoints(`${argument}.tangents`, tangents, axes);
      const same = outputs.shape.join() === shape.join() && tangents.shape.join() === shape.join();
      const [, dim] = matrixShape(data);
      check(
        same && matrixShape(outputs)[1] === dim,
        `${argument}.outputs.shape`,
        outputs.shape,
        `[${[shape[0], ...data.shape.slice(1)]}], as at the other recordings`,
      );
      checkLength(`${argument}.values`, values, outputs.shape[0]!);
      for (let k = 0; k < values.length; k++) {
        const usable = Number.isNaN(values[k]!) || Number.isFinite(values[k]!);
        check(usable, `${argument}.values[${k}]`, values[k], "finite numbers, or NaN");
      }
    }
  }
  const usable = arrowLength === undefined || (Number.isFinite(arrowLength) && arrowLength > 0);
  check(usable, "arrowLength", arrowLength, "a positive number");
}

/** The mean over all probes at the first and at the last recording. */
function endsTitle(runs: ExplorerInput["runs"], valueTitle: string): string {
  const mean = ({ values }: ExplorerFrame): string => {
    const numbers = Array.from(values).filter((value) => !Number.isNaN(value));
    if (numbers.length === 0) return "none";
    return formatNumber(Number((numbers.reduce((a, b) => a + b, 0) / numbers.length).toPrecision(2)));
  };
  const [first, last] = [runs[0]!.frames[0]!, runs[0]!.frames.at(-1)!];
  if (first === last)
    return `Mean ${valueTitle}: ${runs.map(({ name, frames }) => `${name} ${mean(frames[0]!)}`).join(", ")}`;
  const ends = runs.map(({ name, frames }) => `${name} ${mean(frames[0]!)} to ${mean(frames.at(-1)!)}`);
  return `Mean ${valueTitle} from step ${formatCount(first.step)} to ${formatCount(last.step)}: ${ends.join(", ")}`;
}

/** 0 to 1 for shares, else what there is. */
function valueRange(rows: readonly { value: number | null }[]): [number, number] {
  const [low, high] = extent(rows.flatMap(({ value }) => value ?? []));
  if (low > high) return [0, 1];
  return low >= 0 && high <= 1 ? [0, 1] : [low, high];
}

/** Four are enough for arrows that a slider moves. */
const digits = 4;
const round = (value: number): number => rounded(value, digits);
