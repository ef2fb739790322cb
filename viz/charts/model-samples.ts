import type { TrainedDenoiser } from "../../src/diffusion/trained.js";
import { check } from "../../src/errors.js";
import type { RunRecord, SamplesRecord } from "../../src/loop/record.js";
import { notebookWidth } from "../frame.js";
import { first } from "../projections/projection.js";
import { isRuns, namedRuns, type Recorded, type Runs, recordOf } from "../runs.js";
import type { Points, VegaLiteSpec } from "../spec.js";
import { formatCount, list } from "../text.js";
import { checkPoints, checkSize } from "../validate.js";
import { pictureRows } from "./picture-rows.js";
import { pictureTable } from "./picture-table.js";
import { scatter } from "./scatter.js";

/** Options of `samples`. */
export interface ModelSamplesOptions {
  /** How many of each model. Default 36 pictures of one model, 10 of each of several; 500 points. */
  count?: number;
  /** Of the noise, the same for all models. Default 0. */
  seed?: number;
  /** Function evaluations for each sample of a model that is drawn from. Default 1. */
  steps?: number;
  /** Classes of the samples, for class-conditional models. */
  labels?: ArrayLike<number>;
  /** Data to compare with: a row of pictures, or points behind the samples. */
  reference?: Points;
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

const optionNames = ["count", "seed", "steps", "labels", "reference", "title", "width"];
const counts = { one: 36, several: 10, points: 500 };
/** A grid of one model's pictures is at most so wide, in pixels. */
const widestGrid = 360;

/**
 * Samples of a trained model, or of several from the same noise: pictures in a grid, for several models a row each; points in panels side by side. Denoisers
 * and consistency models are drawn from, by `diffusion.generate`; of runs without their weights, and of other models, the samples
 * recorded last in training are shown.
 * @param models A trained model, several by name as `viz.live` gives them, a list, or a comparison.
 * @throws TangentLabError `invalid-argument` for what was not trained, models of different shapes, and records without samples.
 */
export async function samples(models: Runs, options: ModelSamplesOptions = {}): Promise<VegaLiteSpec> {
  check(isRuns(models), "models", models, "a trained model, or several by name: await the run first");
  check.only("samples", options, optionNames);
  const { seed = 0, steps = 1, reference, width = notebookWidth, title } = options;
  checkSize("width", width);
  check.count("seed", seed, 0);
  check.count("steps", steps);
  if (options.count !== undefined) check.count("count", options.count);
  const named = namedRuns(models);
  const { shape } = recordOf(named[0]!.run);
  for (const { name, run } of named)
    check(
      recordOf(run).shape.join() === shape.join(),
      `models.${name}`,
      recordOf(run).shape,
      `examples [${shape}]`,
    );
  const axes = ["count", ...(shape.length > 1 ? ["height", "width", "channels"] : ["dim"])];
  if (reference) checkPoints("reference", reference, axes);
  const kind = shape.length === 1 ? "points" : named.length > 1 || reference ? "several" : "one";
  const count = options.count ?? options.labels?.length ?? counts[kind];
  const drawn: { name: string; points: Points; how: How }[] = [];
  for (const { name, run } of named) {
    const { points, how } = isDrawable(run)
      ? { points: await draw(run, { ...options, count, seed, steps }), how: "drawn" as const }
      : { points: recorded(name, recordOf(run), count), how: "recorded" as const };
    drawn.push({ name, points, how });
  }
  return picture(drawn, { reference, width, title, caption: captionOf(drawn, steps) });
}

type How = "drawn" | "recorded";

const isDrawable = (run: Recorded): run is TrainedDenoiser =>
  "denoiser" in run && "parameters" in run && "record" in run;

/** Loaded only where it is needed: charts alone do not wait for TensorFlow.js. */
async function draw(
  model: TrainedDenoiser,
  { count, seed, steps, labels }: ModelSamplesOptions & { count: number; seed: number; steps: number },
): Promise<Points> {
  const { generate } = await import("../../src/diffusion/generate.js");
  return generate(model, { count, seed, steps, ...(labels && { labels }) });
}

function recorded(name: string, record: RunRecord, count: number): Points {
  const last = lastSamples(record);
  check(
    last !== undefined,
    `models.${name}`,
    "a record without samples",
    "a trained denoiser or consistency model, or a run trained with recording",
  );
  return first(last.samples, count);
}

/** What was recorded last, if anything was. */
export const lastSamples = ({ samples }: RunRecord): SamplesRecord | undefined => samples.at(-1);

const captionOf = (all: readonly { name: string; how: How }[], steps: number): string[] => {
  const [drawn, recorded] = [
    all.filter(({ how }) => how === "drawn"),
    all.filter(({ how }) => how === "recorded"),
  ];
  const names = (of: readonly { name: string }[]): string => list(of.map(({ name }) => name));
  const evaluations = `${formatCount(steps)} evaluation${steps === 1 ? "" : "s"} of the network`;
  return [
    ...(drawn.length > 0
      ? [
          `${drawn.length < all.length ? `${names(drawn)}: ` : ""}Drawn in ${evaluations}${drawn.length > 1 ? ", from the same noise" : ""}.`,
        ]
      : []),
    ...(recorded.length > 0
      ? [`${recorded.length < all.length ? `${names(recorded)}: ` : ""}Recorded at the end of training.`]
      : []),
  ];
};

/** Samples as pictures or as points in the plane. */
export function picture(
  drawn: readonly { name: string; points: Points }[],
  parts: {
    reference?: Points | undefined;
    width: number;
    title?: string | undefined;
    caption: readonly string[];
  },
): VegaLiteSpec {
  const { reference, width, caption } = parts;
  const title = parts.title ?? `Samples of ${list(drawn.map(({ name }) => name))}`;
  if (drawn[0]!.points.shape.length === 2) {
    const panels = Object.fromEntries(drawn.map(({ name, points }) => [name, points]));
    return scatter({ panels, ...(reference && { reference }), title, caption, width });
  }
  if (drawn.length === 1 && !reference) {
    const { points } = drawn[0]!;
    const grid = Math.ceil(Math.sqrt(points.shape[0]!));
    const cells = [{ row: "", column: "", images: points }];
    const largest = Math.min(widestGrid, width - 40, grid * 60);
    return pictureTable({
      title,
      caption,
      rows: [""],
      columns: [""],
      columnTitle: null,
      cells,
      grid,
      width,
      largest,
    });
  }
  const counts = [...drawn.map(({ points }) => points), ...(reference ? [reference] : [])];
  const count = Math.min(...counts.map(({ shape }) => shape[0]!));
  const rows = drawn.map(({ name, points }) => ({ label: name, images: first(points, count) }));
  if (reference) rows.push({ label: "data", images: first(reference, count) });
  return pictureRows({ rows, title, caption, width });
}
