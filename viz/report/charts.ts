import type { ComparisonRecord } from "../../src/experiments/compare-record.js";
import { metricCurves } from "../charts/curves.js";
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
import { frames } from "../runs.js";
import type { Points, VegaLiteSpec } from "../spec.js";
import { capitalize, list } from "../text.js";

/** A chart that is still to be made, so that one that cannot be made does not cost the others. */
export type Draw = () => VegaLiteSpec;

/** As wide as the page, for charts with a panel for each run. */
const wideChart = 620;
/** Data that are drawn behind outputs: enough to see their shape, in charts with a panel for each run. */
const maxData = 250;
/** Recordings of images in the explorer: each output there is a picture in the file. */
const pictureFrames = 9;

const isImages = ({ shape }: ComparisonRecord): boolean => shape.length === 3;

/** Charts of tangents, where some were recorded. */
const ofTangents = (comparison: ComparisonRecord, ...charts: Draw[]): Draw[] =>
  comparison.runs.some(({ probes }) => probes.length > 0) ? charts : [];

export function samplesChart(comparison: ComparisonRecord): Draw[] {
  const { reference } = comparison;
  return [
    () =>
      isImages(comparison)
        ? sampleGrids(comparison)
        : sampleScatter(comparison, {
            reference: thin(reference, maxData),
            projection: planeOf("reference", reference),
          }),
  ];
}

/** One chart per metric that any run has. */
export function metricCharts(comparison: ComparisonRecord): Draw[] {
  const rows = comparison.runs.flatMap(({ curve }) => curve);
  const names = new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)));
  return [...names].map((metric) => () => metricCurves(comparison, { metric, height: 200 }));
}

/** Losses of the runs compared, and of what came before them. */
export function lossCharts({ preparation, runs }: ComparisonRecord): Draw[] {
  return [runs, preparation]
    .map((group) => group.filter((run) => run.losses.length > 0))
    .filter((group) => group.length > 0)
    .map((group) => () => {
      const names = group.map(({ name }) => name);
      const several = group.length > 1 ? ": different losses, so compare shapes, not heights" : "";
      return metricCurves(group, { height: 180, title: `Training loss of ${list(names)}${several}` });
    });
}

export const tangentCharts = (comparison: ComparisonRecord): Draw[] =>
  ofTangents(
    comparison,
    () => parallelShare(comparison),
    () => directionChange(comparison),
    () => oscillationMap(comparison, { width: wideChart }),
  );

/** Recording by recording: the same probes' outputs and tangents. */
export function explorerChart(comparison: ComparisonRecord): Draw[] {
  const { reference } = comparison;
  const images = isImages(comparison);
  return ofTangents(comparison, () =>
    tangentExplorer(comparison, {
      width: wideChart,
      data: thin(reference, maxData),
      projection: images ? umap(reference) : planeOf("reference", reference),
      runs: frames(comparison).runs.map(({ name, frames }) => ({
        name,
        frames: spread(frames, images ? pictureFrames : frames.length),
      })),
    }),
  );
}

/** Where the outputs of some probes go over training; of points, because a path through a plane of images shows little. */
export function pathCharts(comparison: ComparisonRecord): Draw[] {
  if (isImages(comparison)) return [];
  const { reference } = comparison;
  return ofTangents(comparison, () =>
    trajectories(comparison, {
      width: wideChart,
      data: thin(reference, maxData),
      projection: planeOf("reference", reference),
    }),
  );
}

/** The tangents at the end of training, in a plane; images in UMAP's. */
export const fieldChart = (comparison: ComparisonRecord): Draw[] =>
  ofTangents(comparison, () => tangentField(comparison, { width: wideChart }));

/** One example's probes, which come first; those of the first run are shown for all runs: probes are the same (x0, noise, t). */
export function pictureCharts(comparison: ComparisonRecord): Draw[] {
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

/** For headings. */
export const datasetTitle = (name: string): string => capitalize(name.replace(/[-_]/g, " "));
