import { MultiBar, type SingleBar } from "cli-progress";
import { metricCurves } from "../charts/curves.js";
import { metricTitle } from "../text.js";
import { chartBundle, type MimeBundle } from "./bundle.js";
import type { Cell } from "./cell.js";
import { details, footer, type Progress, steps } from "./progress.js";
import { picture } from "./render-now.js";

/** The metric's values of one run so far. */
export interface History {
  readonly name: string;
  /** Of a study's run. */
  readonly seed?: number;
  readonly steps: number[];
  readonly values: number[];
}

/** Everything there is to see of runs in training. */
export interface Snapshot {
  readonly metric: string;
  readonly runs: readonly Progress[];
  readonly histories: readonly History[];
  readonly interrupted: boolean;
}

/** Something that shows runs in training. */
export interface View {
  update(snapshot: Snapshot): void;
  /** Shows the last state, for good. */
  end(snapshot: Snapshot): void;
}

/** Of each curve while it trains: half of the work to draw 1000, and a fifth of the bytes. */
const livePoints = 200;
/** A chart of very many events is updated so rarely that making it takes one part in so many of the time. */
const rarity = 100;

/**
 * Progress and a chart of the metric in a notebook cell: two outputs, replaced in place.
 * @param chartInterval Least time between two updates of the chart, in milliseconds.
 */
export function notebookView(cell: Cell, yScale: "linear" | "log", chartInterval: number): View {
  let showProgress: ((next: MimeBundle) => void) | undefined;
  let showChart: ((next: MimeBundle) => void) | undefined;
  let chartDue = 0;
  const progress = (snapshot: Snapshot): void => {
    const output = { data: { "text/html": html(snapshot), "text/plain": text(snapshot) } };
    if (showProgress) showProgress(output);
    else showProgress = cell.displayUpdatable(output);
  };
  /** False where there is nothing to draw yet. */
  const chart = (snapshot: Snapshot, last: boolean): boolean => {
    const curves = snapshot.histories.filter(({ steps }) => steps.length > 0);
    if (curves.length === 0) return false;
    const seeds = curves.flatMap(({ name, seed }) => (seed === undefined ? [] : `${name}: seed ${seed}`));
    const spec = metricCurves({
      metric: metricTitle(snapshot.metric),
      curves,
      yScale,
      ...(seeds.length > 0 && { caption: [`${seeds.join(", ")}.`] }),
      ...(!last && { maxPoints: livePoints }),
    });
    // While it trains the front end draws; the picture for those that cannot comes at the end.
    const output = chartBundle(spec, last ? picture(spec) : undefined);
    if (showChart) showChart(output);
    else showChart = cell.displayUpdatable(output);
    return true;
  };
  return {
    update(snapshot) {
      progress(snapshot);
      const start = performance.now();
      if (start < chartDue || !chart(snapshot, false)) return;
      const end = performance.now();
      chartDue = end + Math.max(chartInterval, rarity * (end - start));
    },
    end(snapshot) {
      progress(snapshot);
      chart(snapshot, true);
    },
  };
}

/** One progress bar per run in the terminal; where the output is no terminal, only the last state as text. */
export function terminalView(): View {
  if (!process.stderr.isTTY) return { update() {}, end: (snapshot) => console.log(text(snapshot)) };
  const bars = new MultiBar({
    format: "{name} {bar} {steps} {details} {footer}",
    barsize: 24,
    hideCursor: true,
    fps: 10,
    forceRedraw: true,
    stopOnComplete: false,
  });
  let each: SingleBar[] = [];
  const update = (snapshot: Snapshot): void => {
    const width = Math.max(...snapshot.runs.map(({ name }) => name.length));
    snapshot.runs.forEach((run, i) => {
      const payload = {
        name: run.name.padEnd(width),
        steps: steps(run),
        details: details(run, snapshot.metric),
        footer: i === snapshot.runs.length - 1 ? footer(snapshot.runs, snapshot.interrupted) : "",
      };
      each[i]!.setTotal(run.total ?? Math.max(run.step, 1));
      each[i]!.update(run.step, payload);
    });
  };
  return {
    update(snapshot) {
      if (each.length === 0)
        each = snapshot.runs.map(() => bars.create(1, 0, { name: "", steps: "", details: "", footer: "" }));
      update(snapshot);
    },
    end(snapshot) {
      this.update(snapshot);
      bars.stop();
    },
  };
}

function text({ runs, metric, interrupted }: Snapshot): string {
  const lines = runs.map((run) => `${run.name}  ${steps(run)}  ${details(run, metric)}`.trimEnd());
  return [...lines, footer(runs, interrupted)].join("\n");
}

function html({ runs, metric, interrupted }: Snapshot): string {
  const cell = (content: string): string =>
    `<td style="text-align:left;padding:1px 12px 1px 0">${content}</td>`;
  const rows = runs.map((run) => {
    const bar =
      run.total === undefined
        ? `<progress${run.done ? ' value="1"' : ""}></progress>`
        : `<progress value="${run.step}" max="${run.total}" style="width:240px"></progress>`;
    return `<tr>${[escaped(run.name), bar, steps(run), escaped(details(run, metric))].map(cell).join("")}</tr>`;
  });
  const style = "font-family:monospace;font-size:13px;border-collapse:collapse";
  return `<table style="${style}">${rows.join("")}</table><div style="${style}">${footer(runs, interrupted)}</div>`;
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
