import * as random from "../../src/engine/random.js";
import { type DisplayKind, displayBy } from "../../src/engine/self-display.js";
import type { StudyRecord } from "../../src/experiments/summary.js";
import { compare } from "../charts/compare.js";
import { pictureTable } from "../charts/picture-table.js";
import { scatter } from "../charts/scatter.js";
import { studyCurves, studyTable } from "../charts/study.js";
import { notebookWidth } from "../frame.js";
import type { Runs } from "../runs.js";
import type { VegaLiteSpec } from "../spec.js";
import { tableBundle } from "../table/table.js";
import { formatCount } from "../text.js";
import { chartBundle } from "./bundle.js";
import { currentCell } from "./cell.js";
import { picture } from "./render-now.js";

/** What is drawn of a dataset. */
interface Drawn {
  readonly name: string;
  readonly shape: readonly number[];
  sample(key: random.Key, count: number): { readonly x: Float32Array };
}

const counts = { pictures: 36, points: 500 };
/** As many as there are rows: the picture has no empty margins. */
const columns = 6;

/** Examples of a dataset: pictures in a grid, or points in the plane. */
export function datasetChart(data: Drawn): VegaLiteSpec {
  const isImage = data.shape.length === 3;
  const count = isImage ? counts.pictures : counts.points;
  const points = { shape: [count, ...data.shape], values: data.sample(random.key(0), count).x };
  const title = `${formatCount(count)} examples of ${data.name}`;
  if (!isImage) return scatter({ panels: { data: points }, title });
  const cells = [{ row: "", column: "", images: points }];
  const grid = { columnTitle: null, cells, grid: columns, largest: 360, width: notebookWidth };
  return pictureTable({ title, caption: [], rows: [""], columns: [""], ...grid });
}

function chartOf(kind: DisplayKind, value: object): VegaLiteSpec {
  if (kind === "dataset") return datasetChart(value as Drawn);
  return kind === "study" ? studyCurves(value as StudyRecord) : compare(value as Runs);
}

/** From now on datasets, trained models and studies that are a cell's last expression show a picture of themselves. */
export function displayThemselves(): void {
  displayBy((kind, value) => {
    const cell = currentCell();
    if (!cell) return;
    try {
      if (kind === "study") cell.display(tableBundle(studyTable(value as StudyRecord)));
      const spec = chartOf(kind, value);
      cell.display(chartBundle(spec, picture(spec)));
    } catch {
      // What cannot be drawn, such as a text encoder, still says what it is.
    }
  });
}
