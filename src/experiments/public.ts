// What `experiments` of the package has: studies of a user's own. Those of the repository are run by `tangent-lab experiment`.
export { type ArmRun, type OwnStudy, run, type StudyEvent, type StudyRun } from "./own-study.js";
export { type Interval, stepsTo } from "./statistics.js";
export type { CellSummary, CurveSummary, Outcome, PanelSummary, StudyRecord, Trend } from "./summary.js";
