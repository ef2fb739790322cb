import { check } from "../../src/errors.js";
import { frame, notebookWidth } from "../frame.js";
import { checkImages } from "../picture.js";
import { planeOf } from "../projections/pca.js";
import { fading, first, matrixShape, type Projection, spread, thin } from "../projections/projection.js";
import { inputOf, type Runs, sampled } from "../runs.js";
import type { Points, VegaLiteSpec, View } from "../spec.js";
import { formatCount } from "../text.js";
import { fontSizes, runColors } from "../theme.js";
import { checkList, checkNames, checkPoints, checkSize } from "../validate.js";
import { type PictureCell, pictureTable } from "./picture-table.js";
import {
  countOutside,
  hiddenAxes,
  panelDigits,
  planePanel,
  pointLayers,
  roundedPlaces,
  squareAround,
  withDepth,
} from "./planes.js";

/** What one run drew from the same noise at several times of training. */
export interface SampleRun {
  name: string;
  frames: readonly { step: number; samples: Points }[];
}

/** What `sampleGrids` and `sampleScatter` have in common. */
export interface SamplesInput {
  runs: readonly SampleRun[];
  /** Data to compare with. */
  reference?: Points;
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

/** What `sampleGrids` draws. */
export interface SampleGridsInput extends SamplesInput {
  /** Images beside each other within one grid. Default 4; as many rows are shown. */
  columns?: number;
}

/** What `sampleScatter` draws. */
export interface SampleScatterInput extends SamplesInput {
  /** Default: points in the plane as they are, others by PCA of the data. */
  projection?: Projection;
}

const maxFrames = 5;
/** Most samples, and most data, that are drawn in a panel. */
const maxPoints = 300;

/**
 * Grids of sampled images, a row per run and a column per time of training; the data in the last column.
 * Samples are [count, height, width, channels] in [-1, 1]; item i of every frame is shown at the same place.
 * @param given runs, or plain rows.
 * @throws TangentLabError `invalid-argument` for other shapes and values that are not finite.
 */
export function sampleGrids(
  given: SampleGridsInput | Runs,
  options: Partial<SampleGridsInput> = {},
): VegaLiteSpec {
  const input = inputOf<SampleGridsInput>(given, options, sampled);
  const { runs, reference, columns = 4, width = notebookWidth } = input;
  checkSize("width", width);
  check(
    Number.isInteger(columns) && columns >= 1 && columns <= 32,
    "columns",
    columns,
    "an integer from 1 to 32",
  );
  const { steps, total, frames } = alignFrames(runs);
  if (reference) checkImages("reference", reference);
  const most = mostSamples(frames);
  const shown = (images: Points): Points => first(images, columns ** 2);
  const cells: PictureCell[] = runs.flatMap((run, i) => [
    ...frames[i]!.map(({ step, samples }, j): PictureCell => {
      checkImages(`runs[${i}].frames[${j}].samples`, samples);
      return { row: run.name, column: formatCount(step), images: shown(samples) };
    }),
    ...(reference === undefined ? [] : [{ row: run.name, column: "data", images: shown(reference) }]),
  ]);
  return pictureTable({
    title: input.title ?? sampleTitle(steps),
    caption: [
      "Each place in a grid starts from the same noise in every picture.",
      ...framesNote(steps, total),
      ...(most > columns ** 2 ? [`${columns ** 2} of ${formatCount(most)} samples shown.`] : []),
    ],
    rows: runs.map((run) => run.name),
    columns: [...steps.map(formatCount), ...(reference === undefined ? [] : ["data"])],
    columnTitle: "training step",
    cells,
    grid: columns,
    width,
  });
}

/**
 * Sampled points over the data, a row per run and a column per time of training. Points are [count, dim]; more than two dimensions are
 * shown by `projection`, by default on the two principal axes of `reference`, or of the last samples where there is none.
 * @throws TangentLabError `invalid-argument` where shapes differ or values are not finite.
 */
export function sampleScatter(
  given: SampleScatterInput | Runs,
  options: Partial<SampleScatterInput> = {},
): VegaLiteSpec {
  const input = inputOf<SampleScatterInput>(given, options, sampled);
  const { runs, reference, width = notebookWidth } = input;
  checkSize("width", width);
  const { steps, total, frames } = alignFrames(runs);
  if (reference) checkPoints("reference", reference, ["count", "dim"]);
  for (const [i, own] of frames.entries()) {
    for (const [j, { samples }] of own.entries())
      checkPoints(`runs[${i}].frames[${j}].samples`, samples, ["count", "dim"]);
  }
  const basis = reference ?? frames[0]!.at(-1)!.samples;
  const [, dim] = matrixShape(basis);
  for (const { samples } of frames.flat())
    check(samples.shape[1] === dim, "samples.shape", samples.shape, `[count, ${dim}]`);
  const projection: Projection =
    input.projection ?? planeOf(reference ? "reference" : "runs[0].frames[].samples", basis);
  const framed = thin(basis, maxPoints);
  const framing = roundedPlaces(projection.project(framed), panelDigits);
  const limits = squareAround(framing, { room: 0.65 });
  const behind = reference && withDepth(framing, fading(projection, framed));
  const points = frames.map((own) =>
    own.map(({ samples }) => roundedPlaces(projection.project(thin(samples, maxPoints)), panelDigits)),
  );
  const side = Math.floor((width - 60 - (steps.length - 1) * 8) / Math.max(3, steps.length));
  const colors = runColors(runs.map(({ name }) => name));
  const panels = runs.flatMap(({ name }, i) =>
    points[i]!.map((own, j): View => {
      const encoding = hiddenAxes(limits, { title: j === 0 ? name : null, color: colors[i]! });
      const title = i === 0 ? stepTitle(steps[j]!, j === 0) : undefined;
      return planePanel({ title, side }, pointLayers(own, encoding, colors[i]!, behind));
    }),
  );
  // The default projection is that of the basis.
  const projected =
    reference || input.projection
      ? projection.note
      : projection.note?.replace("the data", "the first run's last samples");
  const most = mostSamples(frames);
  const outside = countOutside(points.flat(2), limits);
  return frame({
    title: input.title ?? sampleTitle(steps),
    caption: [
      reference
        ? "Grey: data. Coloured: samples, from the same noise in every panel."
        : "Samples from the same noise in every panel.",
      ...(projected === undefined ? [] : [projected]),
      ...framesNote(steps, total),
      ...(most > maxPoints ? [`${maxPoints} of ${formatCount(most)} samples drawn per panel.`] : []),
      ...(outside > 0
        ? [`Outside the panels: ${formatCount(outside)} sample${outside === 1 ? "" : "s"}.`]
        : []),
    ],
    width,
    view: { concat: panels, columns: steps.length, spacing: 8 },
  });
}

/** Over a panel of the first row. */
const stepTitle = (step: number, first: boolean): View => ({
  text: first ? `step ${formatCount(step)}` : formatCount(step),
  anchor: "middle",
  fontSize: fontSizes.label,
  fontWeight: "normal",
  offset: 4,
});

/** Checks that all runs have the same steps, and picks at most `maxFrames` of them, first and last included. */
function alignFrames(runs: readonly SampleRun[]): {
  steps: number[];
  total: number;
  frames: SampleRun["frames"][];
} {
  checkNames("runs", runs);
  for (const [i, { frames }] of runs.entries()) checkList(`runs[${i}].frames`, frames);
  const steps = runs[0]!.frames.map((each) => each.step);
  for (const [i, run] of runs.entries()) {
    const own = run.frames.map((each) => each.step);
    check(
      own.join() === steps.join(),
      `runs[${i}].frames[].step`,
      own,
      `the steps of the first run: ${steps.join(", ")}`,
    );
    check(
      own.every(Number.isFinite) && new Set(own).size === own.length,
      `runs[${i}].frames[].step`,
      own,
      "finite steps that differ",
    );
  }
  const shown = spread(
    steps.map((_, i) => i),
    maxFrames,
  );
  return {
    steps: shown.map((i) => steps[i]!),
    total: steps.length,
    frames: runs.map((run) => shown.map((i) => run.frames[i]!)),
  };
}

const mostSamples = (frames: readonly SampleRun["frames"][]): number =>
  Math.max(...frames.flat().map(({ samples }) => samples.shape[0]!));

function sampleTitle(steps: readonly number[]): string {
  if (steps.length === 1) return `Samples after ${formatCount(steps[0]!)} training steps`;
  return `Samples from the same noise, from step ${formatCount(steps[0]!)} to step ${formatCount(steps.at(-1)!)} of training`;
}

const framesNote = (steps: readonly number[], total: number): string[] =>
  steps.length < total ? [`${steps.length} of ${formatCount(total)} recordings shown.`] : [];
