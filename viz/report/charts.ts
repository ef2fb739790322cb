import { type Curve, metricCurves } from "../charts/curves.js";
import { oscillationMap } from "../charts/direction-maps.js";
import { tangentExplorer } from "../charts/explorer.js";
import { tangentField } from "../charts/field.js";
import { sampleGrids, sampleScatter } from "../charts/samples.js";
import { normalized, tangentPictures } from "../charts/tangent-pictures.js";
import { directionChange, parallelShare } from "../charts/tangents.js";
import { trajectories } from "../charts/trajectories.js";
import { planeOf } from "../projections/pca.js";
import { first, spread, thin } from "../projections/projection.js";
import { umap } from "../projections/umap.js";
import type { Points, VegaLiteSpec } from "../spec.js";
import { capitalize, list, metricTitle } from "../text.js";
import type { MetricsRow, ReportComparison, ReportRun } from "./input.js";

/** A chart that is still to be made, so that one that cannot be made does not cost the others. */
export type Draw = () => VegaLiteSpec;

const isImages = ({ shape }: ReportComparison): boolean => shape.length === 3;

export function samplesChart({ runs, reference, ...rest }: ReportComparison): Draw[] {
  const input = { runs: runs.map(({ name, samples }) => ({ name, frames: samples })) };
  return [
    () =>
      isImages({ runs, reference, ...rest })
        ? sampleGrids({ ...input, reference })
        : sampleScatter({
            ...input,
            reference: thin(reference, maxData),
            projection: planeOf("reference", reference),
          }),
  ];
}

/** One chart per metric that any run has. */
export function metricCharts({ runs }: ReportComparison): Draw[] {
  const names = [...new Set(runs.flatMap((run) => run.curve.flatMap((row) => Object.keys(row.metrics))))];
  return names.map((name) => () => {
    const curves = curvesOf(runs, (run) => run.curve, name);
    return metricCurves({
      metric: metricTitle(name),
      curves,
      yScale: wide(curves) ? "log" : "linear",
      height: 200,
    });
  });
}

/** Losses of the runs compared, and of what came before them. */
export function lossCharts({ preparation, runs }: ReportComparison): Draw[] {
  return [runs, preparation]
    .filter((group) => group.some((run) => run.losses.length > 0))
    .map((group) => () => {
      const curves = curvesOf(group, (run) => run.losses, "loss");
      return metricCurves({
        metric: "training loss",
        curves,
        yScale: wide(curves) ? "log" : "linear",
        height: 180,
        title: `Training loss of ${list(curves.map((curve) => curve.name))}${curves.length > 1 ? ": different objectives, so compare shapes, not heights" : ""}`,
      });
    });
}

export function tangentCharts({ runs }: ReportComparison): Draw[] {
  const probed = runs.filter((run) => run.probes.length > 0);
  if (probed.length === 0) return [];
  const chance = probed[0]!.probeSet?.chance;
  return [
    () =>
      parallelShare({
        runs: probed.map(({ name, probes }) => ({
          name,
          recordings: probes.map(({ step, parallel }) => ({ step, values: parallel })),
        })),
        ...(chance === undefined ? {} : { chance }),
      }),
    () =>
      directionChange({
        runs: probed.map(({ name, probes }) => ({
          name,
          recordings: probes.map(({ step, cosine }) => ({ step, values: cosine })),
        })),
      }),
    () =>
      oscillationMap({
        width: wideChart,
        runs: probed.map(({ name, probes, probeSet }) => ({
          name,
          times: probeSet?.times ?? [],
          recordings: probes.map(({ step, cosine }) => ({ step, values: cosine })),
        })),
      }),
  ];
}

/** As wide as the page, for charts with a panel for each run. */
const wideChart = 620;
/** Data that are drawn behind outputs: enough to see their shape, in charts with a panel for each run. */
const maxData = 250;
/** Recordings of images in the explorer: each output there is a picture in the file. */
const pictureFrames = 9;

/** Recording by recording: the same probes' outputs and tangents. */
export function explorerChart({ runs, reference, shape, ...rest }: ReportComparison): Draw[] {
  const probed = runs.filter((run) => run.probes.length > 0);
  if (probed.length === 0) return [];
  const images = isImages({ runs, reference, shape, ...rest });
  return [
    () =>
      tangentExplorer({
        width: wideChart,
        data: thin(reference, maxData),
        projection: images ? umap(reference) : planeOf("reference", reference),
        runs: probed.map(({ name, probes }) => ({
          name,
          frames: spread(probes, images ? pictureFrames : probes.length).map(
            ({ step, outputs, tangents, parallel }) => ({ step, outputs, tangents, values: parallel }),
          ),
        })),
      }),
  ];
}

/** Where the outputs of some probes go over training; of points, because a path through a plane of images shows little. */
export function pathCharts({ runs, reference, shape, ...rest }: ReportComparison): Draw[] {
  const probed = runs.filter((run) => run.probes.length > 0);
  if (probed.length === 0 || isImages({ runs, reference, shape, ...rest })) return [];
  return [
    () =>
      trajectories({
        width: wideChart,
        data: thin(reference, maxData),
        projection: planeOf("reference", reference),
        runs: probed.map(({ name, probes }) => ({ name, frames: probes })),
      }),
  ];
}

/** The tangents at the end of training, in a plane; images in UMAP's. */
export function fieldChart({ runs, reference, manifoldDim }: ReportComparison): Draw[] {
  const probed = runs.filter((run) => run.probes.length > 0);
  if (probed.length === 0) return [];
  return [
    () =>
      tangentField({
        width: wideChart,
        data: reference,
        runs: probed.map(({ name, probes }) => {
          const { outputs, tangents, distance, parallel } = probes.at(-1)!;
          return { name, outputs, tangents, values: distance, parallel };
        }),
        valueTitle: manifoldDim === null ? "distance to the nearest example" : "distance to the manifold",
      }),
  ];
}

/** One example's probes, which come first; those of the first run are shown for all runs: probes are the same (x0, noise, t). */
export function pictureCharts(comparison: ReportComparison): Draw[] {
  const probed = comparison.runs.filter((run) => run.probes.length > 0);
  const set = probed[0]?.probeSet;
  if (!isImages(comparison) || !set) return [];
  const times = set.times.slice(0, new Set(set.times).size);
  const one = (images: Points): Points => first(images, times.length);
  return [
    () =>
      tangentPictures({
        times,
        rows: [
          { label: "xₜ", images: normalized(one(set.noisy), times) },
          ...probed.flatMap(({ name, probes }) => [
            { label: `f, ${name}`, images: one(probes.at(-1)!.outputs) },
            { label: `${name} tangent`, images: one(probes.at(-1)!.tangents), signed: true },
          ]),
        ],
      }),
  ];
}

function curvesOf(
  runs: readonly ReportRun[],
  rows: (run: ReportRun) => readonly MetricsRow[],
  metric: string,
): Curve[] {
  return runs.flatMap((run) => {
    const own = rows(run).filter((row) => metric in row.metrics);
    if (own.length === 0) return [];
    const values = own.map((row) => row.metrics[metric] ?? Number.NaN);
    return [{ name: run.name, steps: own.map((row) => row.step), values }];
  });
}

/** Whether a linear axis would press most of the curves flat. */
export function wide(curves: readonly Pick<Curve, "values">[]): boolean {
  const values = curves.flatMap((curve) => Array.from(curve.values)).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low > 0 && high / low > 8;
}

/** For headings. */
export const datasetTitle = (name: string): string => capitalize(name.replace(/[-_]/g, " "));
