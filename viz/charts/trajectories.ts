import { check } from "../../src/errors.js";
import { frame, notebookWidth } from "../frame.js";
import { planeOf } from "../projections/pca.js";
import { fading, matrixShape, type Projection, spread, thin } from "../projections/projection.js";
import { frames, inputOf, type Runs } from "../runs.js";
import type { Points, VegaLiteSpec, View } from "../spec.js";
import { formatCount, formatNumber } from "../text.js";
import { runColors } from "../theme.js";
import { checkList, checkNames, checkPoints, checkSize, rowAxes } from "../validate.js";
import { fillOf } from "./arrows.js";
import { panelTitle } from "./heat.js";
import {
  countOutside,
  dataLayer,
  type Place,
  panelGrid,
  panelsBeside,
  planeAxes,
  planePanel,
  roundedLimits,
  roundedPlaces,
  squareAround,
  withDepth,
} from "./planes.js";

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
  const probeCount = checkRuns(data, runs);
  const [, dim] = matrixShape(data);
  const probes = input.probes ?? spread([...Array(probeCount).keys()], defaultProbes);
  for (const [i, probe] of probes.entries()) {
    const known = Number.isInteger(probe) && probe >= 0 && probe < probeCount;
    check(known, `probes[${i}]`, probe, `integers from 0 to ${probeCount - 1}`);
  }
  const projection = input.projection ?? planeOf("data", data);
  const shown = thin(data, maxData);
  const background = withDepth(roundedPlaces(projection.project(shown)), fading(projection, shown));
  const lines = runs.map(({ frames }) =>
    spread(frames, maxFrames).flatMap(({ step, outputs }, order) => {
      const all = roundedPlaces(projection.project(outputs));
      return probes.map((probe) => ({ probe, step, order, ...all[probe]! }));
    }),
  );
  const limits = roundedLimits(squareAround(background, { others: lines.flat(), reach: 1, room: 0.53 }));
  const outside = countOutside(lines.flat(), limits);
  const longest = Math.max(...runs.map(({ frames }) => frames.length));
  const { columns, side } = panelGrid(runs.length, width, 400);
  const last = Math.max(...runs.flatMap(({ frames }) => frames.map(({ step }) => step)));
  const colors = runColors(runs.map(({ name }) => name));
  const views = runs.map(({ name }, i) => {
    const axes = planeAxes(projection.axes, limits, i % columns === 0);
    const behind = dataLayer(background, { x: axes.x("x"), y: axes.y("y") });
    const title = panelTitle(name, colors[i]);
    return planePanel({ title, side }, [behind, ...pathLayers(lines[i]!, axes, last)]);
  });
  return frame({
    title: input.title ?? pathTitle(input.runs, probes, dim),
    caption: [
      "Ring: first recording; dot: last. Brighter as training goes on. Grey: data.",
      ...(projection.note === undefined ? [] : [projection.note]),
      ...(probes.length < probeCount ? [`${probes.length} of ${formatCount(probeCount)} probes drawn.`] : []),
      ...(longest > maxFrames ? [`${maxFrames} of ${formatCount(longest)} recordings drawn.`] : []),
      ...(outside > 0 ? [`Outside the frame: ${formatCount(outside)} outputs.`] : []),
    ],
    width,
    view: panelsBeside(views, columns),
  });
}

/** The number of probes, the same in every frame. */
function checkRuns(data: Points, runs: TrajectoriesInput["runs"]): number {
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
  return probeCount;
}

/** Where an output is after a step; `order` counts the recordings that are drawn. */
interface OutputPlace extends Place {
  probe: number;
  step: number;
  order: number;
}

/** The paths of one run: a line per probe, a ring where it begins and a dot where it ends. */
function pathLayers(own: readonly OutputPlace[], axes: ReturnType<typeof planeAxes>, last: number): View[] {
  const [x, y] = [axes.x("x"), axes.y("y")];
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
  const points = (at: number, paint: View, mark: View): View => ({
    data: { values: own.filter(({ order }) => order === at) },
    mark: { type: "point", opacity: 1, clip: true, ...mark },
    encoding: { x, y, tooltip, ...paint },
  });
  return [
    {
      data: { values: segments },
      mark: { type: "rule", strokeWidth: 1.8, clip: true, strokeCap: "round" },
      encoding: { x, y, x2: { field: "x2" }, y2: { field: "y2" }, color, tooltip },
    },
    points(0, { color }, { filled: false, size: 60, strokeWidth: 2 }),
    points(most, fillOf(color), { filled: true, size: 70 }),
  ];
}

/** How far outputs travel, relative to the distance between their ends: 1 is straight. */
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
    : `Length of the outputs' paths, relative to a straight line: ${detours.join(", ")}`;
}
