export { type LiveOptions, type LiveRun, live, type ResultOf } from "./live.js";
export type { ProgressEvent } from "./progress.js";
export { type Figure, figure, show } from "./show.js";
