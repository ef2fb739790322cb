import { SingleBar } from "cli-progress";
import { clock } from "../../viz/display/progress.js";
import type { Follow } from "../experiments/prepare.js";
import type { Run, TrainingEvent } from "../loop/run.js";

export interface FollowOptions {
  /** What the line says, e.g. "digits: denoiser". */
  label: string;
  /** The metric that matters; shown from when it is known on. */
  metric: string;
}

/** Milliseconds between two pictures of a bar of files. */
const barInterval = 100;

/** Milliseconds between two lines where there is no terminal to draw a bar in. */
const lineInterval = 10_000;

/** Runs a training until it ends or is stopped: a progress bar with rate, time left and the metric; plain lines where there is no terminal. */
export async function follow<Result>(
  run: Run<Result>,
  options: FollowOptions,
  stream: NodeJS.WriteStream = process.stderr,
): Promise<Result> {
  const view = stream.isTTY ? bar(stream) : lines(stream);
  const iterator = run[Symbol.asyncIterator]();
  const rate = new Rate();
  let metric = "";
  try {
    for (;;) {
      const next = await iterator.next();
      if (next.done) return next.value;
      const event = next.value;
      const value = event.metrics[options.metric];
      if (value !== undefined) metric = `${options.metric} ${Number(value.toPrecision(3))}`;
      const used = utilization(event);
      view.update(event, { label: options.label, metric: `${metric}${used}`, ...rate.of(event) });
    }
  } finally {
    view.end();
  }
}

/** How much of the time steps did not wait for examples, where that is known. */
const utilization = ({ utilization: share }: TrainingEvent): string =>
  share === undefined ? "" : `  utilization ${Math.round(100 * share)}%`;

/** One bar for many runs: their steps together, and on it the run that is at work. */
export interface JointProgress {
  follow: Follow;
  /** Steps that need not be done. */
  skip(steps: number): void;
  end(): void;
}

/**
 * Progress through `total` steps of several runs that are followed one after the other.
 * @param finished steps of runs that will be skipped, so that the time left does not count them.
 */
export function jointProgress(
  total: number,
  finished = 0,
  stream: NodeJS.WriteStream = process.stderr,
): JointProgress {
  const view = stream.isTTY ? bar(stream) : lines(stream);
  const rate = new Rate();
  let before = 0;
  let skipped = 0;
  let ahead = finished;
  return {
    follow: async (run, options) => {
      const iterator = run[Symbol.asyncIterator]();
      let metric = "";
      let first: number | undefined;
      let next = await iterator.next();
      for (; !next.done; next = await iterator.next()) {
        const { step, metrics } = next.value;
        if (first === undefined) {
          first = step;
          skipped += step;
        }
        const value = metrics[options.metric];
        if (value !== undefined) metric = `${options.metric} ${Number(value.toPrecision(3))}`;
        const at = { step: Math.min(before + step, total), total };
        const own = { step: at.step - skipped, total: total - skipped - ahead };
        const used = utilization(next.value);
        view.update(at, { label: options.label, metric: `${metric}${used}`, ...rate.of(own) });
      }
      const { steps } = run.record.settings;
      if (first === undefined) skipped += steps as number;
      before += steps as number;
      return next.value;
    },
    skip: (steps) => {
      ahead = Math.max(0, ahead - steps);
      before += steps;
      skipped += steps;
    },
    end: () => view.end(),
  };
}

/** Progress through the parts of something that is not a training, such as files to read; nothing is drawn before the first part. */
export function loading(
  label: string,
  stream: NodeJS.WriteStream = process.stderr,
): { update(done: number, total: number): void; end(): void } {
  const view = stream.isTTY ? bar(stream) : lines(stream);
  const rate = new Rate("");
  let shown = 0;
  return {
    update: (step, total) => {
      // Files come by the thousand: a line is not drawn for each.
      const now = performance.now();
      if (step < total && now - shown < barInterval) return;
      shown = now;
      view.update({ step, total }, { label, metric: "", ...rate.of({ step, total }) });
    },
    end: () => view.end(),
  };
}

interface Line {
  label: string;
  metric: string;
  /** "240 steps/s", empty while unknown. */
  rate: string;
  /** "0:12 left", empty while unknown. */
  left: string;
}

type At = Pick<TrainingEvent, "step" | "total">;

interface View {
  update(event: At, line: Line): void;
  end(): void;
}

function bar(stream: NodeJS.WriteStream): View {
  const format = "{label} [{bar}] {value}/{total} {rate} {left} {metric}";
  const single = new SingleBar({ stream, format, barsize: 24, hideCursor: true, clearOnComplete: false });
  let started = false;
  return {
    update: ({ step, total }, { label, ...rest }) => {
      const line = { label: label.padEnd(24), ...rest };
      if (!started) single.start(total, step, line);
      else single.update(step, line);
      started = true;
    },
    end: () => single.stop(),
  };
}

function lines(stream: NodeJS.WriteStream): View {
  let last = performance.now();
  return {
    update: ({ step, total }, line) => {
      if (step < total && performance.now() - last < lineInterval) return;
      last = performance.now();
      const parts = [line.label, `${step}/${total}`, line.rate, step < total ? line.left : "", line.metric];
      stream.write(`${parts.filter(Boolean).join("  ")}\n`);
    },
    end: () => {},
  };
}

/** Milliseconds that a rate looks back. */
const rateWindow = 60_000;
/** Milliseconds between two places that it remembers. */
const rateInterval = 1000;

/** Steps per second over the last minute, because runs that follow one another differ; without what comes before the first step, in which steps are compiled. */
class Rate {
  readonly #unit: string;
  readonly #past: { step: number; time: number }[] = [];

  /** @param unit what is counted; "" where the label says it. */
  constructor(unit = " steps") {
    this.#unit = unit;
  }

  of({ step, total }: At): Pick<Line, "rate" | "left"> {
    const past = this.#past;
    const time = performance.now();
    const latest = past.at(-1);
    if (step > 0 && (!latest || time - latest.time >= rateInterval)) past.push({ step, time });
    while (past.length > 1 && time - past[1]!.time >= rateWindow) past.shift();
    const from = past[0];
    if (!from || step === from.step) return { rate: "", left: "" };
    const rate = ((step - from.step) * 1000) / (time - from.time);
    return {
      rate: `${Number(rate.toPrecision(3))}${this.#unit}/s`,
      left: `${clock((total - step) / rate)} left`,
    };
  }
}
