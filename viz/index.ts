/**
 * What `import ... from "tangent-lab/viz"` gives: charts, projections, and where charts are shown and saved.
 * @module tangent-lab/viz
 */

export type { ComparisonRecord, Headline, ReportData } from "../src/experiments/compare-record.js";

import { displayThemselves } from "./display/self.js";

displayThemselves();

export { type AgreementInput, attributeAgreement } from "./charts/agreement.js";
export { type TokenAttentionInput, tokenAttention } from "./charts/attention.js";
export { type AutocorrelationInput, autocorrelation } from "./charts/autocorrelation.js";
export { type BatchSizeInput, metricAgainstBatchSize } from "./charts/batch-size.js";
export { type CompareOptions, compare } from "./charts/compare.js";
export { type Curve, type MetricCurvesInput, metricCurves } from "./charts/curves.js";
export {
  type DirectionMapInput,
  directionPerProbe,
  oscillationMap,
  type TimedProbes,
} from "./charts/direction-maps.js";
export { type EditStripsInput, editStrips } from "./charts/edit-strips.js";
export { type ExplorerFrame, type ExplorerInput, tangentExplorer } from "./charts/explorer.js";
export { type FeatureResponseInput, featureResponse } from "./charts/feature-response.js";
export { type FieldRun, type TangentFieldInput, tangentField } from "./charts/field.js";
export { type GradientNoiseInput, gradientNoise } from "./charts/gradient-noise.js";
export {
  type IntervalPoint,
  type IntervalSeries,
  type IntervalsInput,
  intervals,
} from "./charts/intervals.js";
export { type LevelSetsInput, levelSets, type Slice } from "./charts/level-sets.js";
export { type LogitsInput, logitsMatrices } from "./charts/logits.js";
export { type ModelSamplesOptions, samples } from "./charts/model-samples.js";
export { type PictureRowsInput, pictureRows } from "./charts/picture-rows.js";
export {
  type SampleGridsInput,
  type SampleRun,
  type SampleScatterInput,
  type SamplesInput,
  sampleGrids,
  sampleScatter,
} from "./charts/samples.js";
export { type ScatterInput, scatter } from "./charts/scatter.js";
export {
  type StudyCurvesOptions,
  type StudyTableOptions,
  studyCurves,
  studyTable,
} from "./charts/study.js";
export {
  type FourRowsInput,
  fourRows,
  type TangentPicturesInput,
  tangentPictures,
} from "./charts/tangent-pictures.js";
export {
  directionChange,
  type ParallelShareInput,
  type ProbeChartInput,
  type ProbeCurves,
  parallelShare,
  type Recordings,
} from "./charts/tangents.js";
export { type TimeScheduleInput, timeSchedule } from "./charts/time-schedule.js";
export { type TrajectoriesInput, trajectories } from "./charts/trajectories.js";
export {
  type Figure,
  figure,
  type LiveOptions,
  type LiveRun,
  live,
  type ProgressEvent,
  type ResultOf,
  show,
} from "./display/index.js";
export { type Neighbors, nearestNeighbors } from "./projections/neighbors.js";
export { orthographic } from "./projections/orthographic.js";
export { type PrincipalPlane, pca } from "./projections/pca.js";
export type { Projection } from "./projections/projection.js";
export { trustworthiness } from "./projections/trustworthiness.js";
export { fitUmap, type UmapOptions, type UmapProjection, umap } from "./projections/umap.js";
export { toHTML } from "./render/html.js";
export { toPNG } from "./render/png.js";
export { save } from "./render/save.js";
export { toSVG } from "./render/svg.js";
export { renderReport } from "./report/report.js";
export type { Recorded, Runs } from "./runs.js";
export type { Points, VegaLiteSpec } from "./spec.js";
export type { TableInterval, TableValue } from "./table/columns.js";
export { type Table, type TableOptions, type TableRow, table } from "./table/table.js";
export { palette, runColors, type Theme, themed } from "./theme.js";
