import { SingleBar } from "cli-progress";
import type { Run, TrainingEvent } from "../training/run.js";

export interface FollowOptions {
  /** What the line says, e.g. "digits: denoiser". */
  label: string;
  /** The metric that matters; shown from when it is known on. */
  metric: string;
}

/** Milliseconds between two lines where there is no terminal to draw a bar in. */
const lineInterval = 10_000;

/** Runs a training to its end or until it is stopped: a progress bar with rate, time left and the metric; plain lines where there is no terminal. */
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
      view.update(event, { label: options.label, metric, ...rate.of(event) });
    }
  } finally {
    view.end();
  }
}

interface Line {
  label: string;
  metric: string;
  /** "240 steps/s", empty while unknown. */
  rate: string;
  /** "0:12 left", empty while unknown. */
  left: string;
}

interface View {
  update(event: TrainingEvent, line: Line): void;
  end(): void;
}

function bar(stream: NodeJS.WriteStream): View {
  const format = "{label} [{bar}] {value}/{total} {rate} {left} {metric}";
  const single = new SingleBar({ stream, format, barsize: 24, hideCursor: true, clearOnComplete: false });
  let started = false;
  return {
    update: ({ step, total }, line) => {
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

/** Steps per second since the second event: until the first, steps are compiled. */
class Rate {
  #first: { step: number; time: number } | undefined;

  of({ step, total }: TrainingEvent): Pick<Line, "rate" | "left"> {
    const time = performance.now();
    if (step > 0) this.#first ??= { step, time };
    const first = this.#first;
    if (!first || step === first.step) return { rate: "", left: "" };
    const rate = ((step - first.step) * 1000) / (time - first.time);
    const left = Math.round((total - step) / rate);
    return {
      rate: `${Number(rate.toPrecision(3))} steps/s`,
      left: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left`,
    };
  }
}
