import { check } from "../../src/errors.js";
import { frame, notebookWidth } from "../frame.js";
import { planeOf } from "../projections/pca.js";
import { fading, matrixShape, type Projection, spread, thin } from "../projections/projection.js";
import { frames, inputOf, type Runs } from "../runs.js";
import type { Points, VegaLiteSpec, View } from "../spec.js";
import { formatCount, formatNumber } from "../text.js";
import { inks, runColors } from "../theme.js";
import { checkList, checkNames, checkPoints, checkSize, rowAxes } from "../validate.js";
import { dataLayer } from "./arrows.js";
import { panelTitle } from "./heat.js";

/** What `trajectories` draws. */
export interface TrajectoriesInput {
  /** Data to draw behind, [count, dim] or [count, height, width, channels]. */
  data: Points;
  /** Runs with the outputs of the same probes over training, in the order of steps: [probes, dim] or images. */
  runs: readonly { name: string; frames: readonly { step: number; outputs: Points }[] }[];
  /** Probes that are drawn. Default: 6, evenly among all. */
  probes?: readonly number[];
  /** Default: points in the plane as they are, others by PCA of the data. */
  projection?: Projection;
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

const maxData = 800;
const maxFrames = 400;
const defaultProbes = 6;

/**
 * Where the outputs f(x_t, t) of a few fixed probes go while a network trains, over the data: a line per probe, from a ring at the first recording to
 * a dot at the last, brighter as training goes on. Back and forth along the manifold is oscillation; straight onto it is convergence.
 * @throws TangentLabError `invalid-argument` where there are no frames, shapes differ or values are not finite.
 */
export function trajectories(
  given: TrajectoriesInput | Runs,
  options: Partial<TrajectoriesInput> = {},
): VegaLiteSpec {
  const input = inputOf(given, options, frames);
  const { data, runs, width = notebookWidth } = input;
  checkSize("width", width);
  checkNames("runs", runs);
  const axes = rowAxes("data", data);
  checkPoints("data", data, axes);
  const [, dim] = matrixShape(data);
  for (const [i, { frames }] of runs.entries()) checkList(`runs[${i}].frames`, frames);
  const probeCount = runs[0]!.frames[0]?.outputs?.shape?.[0] ?? 0;
  for (const [i, { frames }] of runs.entries()) {
    for (const [j, { step, outputs }] of frames.entries()) {
      const argument = `runs[${i}].frames[${j}]`;
      const rising = Number.isFinite(step) && (j === 0 || step > frames[j - 1]!.step);
      check(rising, `${argument}.step`, step, "rising, finite steps");
      checkPoints(`${argument}.outputs`, outputs, axes);
      const [count, size] = matrixShape(outputs);
      check(
        count === probeCount && size === dim,
        `${argument}.outputs.shape`,
        outputs.shape,
        `[${probeCount}, ${data.shape.slice(1)}]`,
      );
    }
  }
  const probes = input.probes ?? spread([...Array(probeCount).keys()], defaultProbes);
  for (const [i, probe] of probes.entries()) {
    const known = Number.isInteger(probe) && probe >= 0 && probe < probeCount;
    check(known, `probes[${i}]`, probe, `integers from 0 to ${probeCount - 1}`);
  }
  const projection = input.projection ?? planeOf("data", data);
  const shown = thin(data, maxData);
  const faded = fading(projection, shown);
  const background = places(projection.project(shown)).map((at, i) => ({ ...at, near: faded?.[i] ?? 0.55 }));
  const notes = ["Ring: first recording; dot: last. Brighter as training goes on. Grey: data."];
  if (projection.note !== undefined) notes.push(projection.note);
  if (probes.length < probeCount) notes.push(`${probes.length} of ${formatCount(probeCount)} probes drawn.`);
  const longest = Math.max(...runs.map(({ frames }) => frames.length));
  if (longest > maxFrames) notes.push(`${maxFrames} of ${formatCount(longest)} recordings drawn.`);

  const lines = runs.map(({ frames }) =>
    spread(frames, maxFrames).flatMap(({ step, outputs }, order) => {
      const all = places(projection.project(outputs));
      return probes.map((probe) => ({ probe, step, order, ...all[probe]! }));
    }),
  );
  const limits = square([...background, ...lines.flat()], background);
  const outside = lines
    .flat()
    .filter(({ x, y }) => x < limits.x[0]! || x > limits.x[1]! || y < limits.y[0]! || y > limits.y[1]!);
  if (outside.length > 0) notes.push(`Outside the frame: ${formatCount(outside.length)} outputs.`);

  const columns = Math.min(runs.length, 3);
  const side = Math.min(400, Math.floor((width - 70 - (columns - 1) * 18) / columns));
  const last = Math.max(...runs.flatMap(({ frames }) => frames.map(({ step }) => step)));
  const colors = runColors(runs.map(({ name }) => name));
  const views = runs.map(({ name }, i) =>
    pathPanel(panelTitle(name, colors[i]), lines[i]!, background, {
      ...{ side, limits, last },
      axes: [projection.axes[0], i % columns === 0 ? projection.axes[1] : null],
    }),
  );
  return frame({
    title: input.title ?? pathTitle(input.runs, probes, dim),
    caption: notes,
    width,
    view: { concat: views, columns, spacing: 18 },
  });
}

/** An output's place in the plane after a step; `order` counts the recordings that are drawn. */
interface Place {
  probe: number;
  step: number;
  order: number;
  x: number;
  y: number;
}

/** The paths of one run over the data. */
function pathPanel(
  title: View,
  own: readonly Place[],
  background: readonly View[],
  {
    side,
    limits,
    last,
    axes,
  }: {
    side: number;
    limits: { x: number[]; y: number[] };
    last: number;
    axes: readonly [string, string | null];
  },
): View {
  const channel = (axis: 0 | 1, title: string | null): View => ({
    field: axis === 0 ? "x" : "y",
    type: "quantitative",
    title,
    scale: { domain: axis === 0 ? limits.x : limits.y, nice: false, zero: false },
    axis: { grid: false, tickCount: 4, format: "~r", ...(title === null ? { labels: false } : {}) },
  });
  const [x, y] = [channel(0, axes[0]), channel(1, axes[1])];
  const color = {
    field: "step",
    type: "quantitative",
    scale: { domain: [0, last || 1], range: "ramp" },
    legend: {
      type: "gradient",
      orient: "bottom",
      title: "training step",
      tickCount: 4,
      gradientLength: 200,
      format: ",~f",
    },
  };
  const tooltip = [
    { field: "probe", type: "ordinal" },
    { field: "step", type: "quantitative" },
  ];
  const segments = own.flatMap((row) => {
    const next = own.find((other) => other.probe === row.probe && other.order === row.order + 1);
    return next ? [{ ...row, x2: next.x, y2: next.y }] : [];
  });
  const most = Math.max(...own.map(({ order }) => order));
  return {
    title,
    width: side,
    height: side,
    view: { stroke: inks.light.data, strokeOpacity: 0.4 },
    layer: [
      dataLayer(background, { x, y }, true),
      {
        data: { values: segments },
        mark: { type: "rule", strokeWidth: 1.8, clip: true, strokeCap: "round" },
        encoding: { x, y, x2: { field: "x2" }, y2: { field: "y2" }, color, tooltip },
      },
      {
        data: { values: own.filter(({ order }) => order === 0) },
        mark: { type: "point", filled: false, size: 60, strokeWidth: 2, opacity: 1, clip: true },
        encoding: { x, y, color, tooltip },
      },
      {
        data: { values: own.filter(({ order }) => order === most) },
        mark: { type: "point", filled: true, size: 70, opacity: 1, clip: true },
        encoding: { x, y, color, tooltip },
      },
    ],
  };
}

/** How far outputs travel for how far they get: 1 is straight, more is back and forth. */
function pathTitle(runs: TrajectoriesInput["runs"], probes: readonly number[], dim: number): string {
  const distance = (a: Points, b: Points, probe: number): number => {
    let square = 0;
    for (let k = probe * dim; k < (probe + 1) * dim; k++) square += (a.values[k]! - b.values[k]!) ** 2;
    return Math.sqrt(square);
  };
  const detours = runs.map(({ name, frames }) => {
    let [path, net] = [0, 0];
    for (const probe of probes) {
      for (let j = 1; j < frames.length; j++)
        path += distance(frames[j]!.outputs, frames[j - 1]!.outputs, probe);
      net += distance(frames.at(-1)!.outputs, frames[0]!.outputs, probe);
    }
    return net === 0 ? null : `${name} ${formatNumber(Number((path / net).toPrecision(2)))}`;
  });
  return detours.includes(null)
    ? "Outputs of the same probes over training"
    : `Length of the outputs' paths, relative to how far they got: ${detours.join(", ")}`;
}

/** A square around the data and what is near it. */
function square(
  all: readonly { x: number; y: number }[],
  data: readonly { x: number; y: number }[],
): { x: number[]; y: number[] } {
  const extent = (values: readonly number[]): [number, number] =>
    values.reduce<[number, number]>(
      ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
  const range = (axis: "x" | "y"): [number, number] => {
    const [low, high] = extent(data.map((point) => point[axis]));
    const margin = Math.max(high - low, 1e-6);
    const near = all.map((p) => p[axis]).filter((value) => value > low - margin && value < high + margin);
    return extent([low, high, ...near]);
  };
  const [x, y] = [range("x"), range("y")];
  const half = Math.max(x[1] - x[0], y[1] - y[0], 1e-6) * 0.53;
  const around = ([low, high]: [number, number]): number[] =>
    [(low + high) / 2 - half, (low + high) / 2 + half].map((value) => Number(value.toPrecision(5)));
  return { x: around(x), y: around(y) };
}

const places = ({ shape, values }: Points): { x: number; y: number }[] =>
  Array.from({ length: shape[0]! }, (_, i) => ({
    x: Number(values[2 * i]!.toPrecision(5)),
    y: Number(values[2 * i + 1]!.toPrecision(5)),
  }));
