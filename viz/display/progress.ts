/** What a training run says about itself after a step; whatever else an event holds is not looked at. */
export interface ProgressEvent {
  /** Steps done. */
  readonly step: number;
  /** Steps to do, where known. */
  readonly total?: number;
  /** Numbers by name, e.g. `loss`. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Of a study, which trains one run after the other: the arm and the seed of the one that speaks, and its own step. */
  readonly run?: { readonly arm: string; readonly seed: number; readonly step: number };
}

/** How far a run is: plain numbers for whatever draws it. */
export interface Progress {
  readonly name: string;
  readonly step: number;
  readonly total: number | undefined;
  /** The latest value of the metric that is followed. */
  readonly value: number | undefined;
  /** Steps per second of the run's own time; undefined before there are two events. */
  readonly rate: number | undefined;
  readonly done: boolean;
}

/** Follows one run's events. The first event's time is left out of the rate: it contains the compilation. */
export class ProgressTracker {
  readonly #name: string;
  readonly #metric: string;
  #first: number | undefined;
  #step = 0;
  #total: number | undefined;
  #value: number | undefined;
  #seconds = 0;
  #done = false;

  constructor(name: string, metric: string) {
    this.#name = name;
    this.#metric = metric;
  }

  /** @param seconds Time that the run took from its previous event to this one. */
  add(event: ProgressEvent, seconds: number): void {
    if (this.#first === undefined) this.#first = event.step;
    else this.#seconds += seconds;
    this.#step = event.step;
    this.#total = event.total ?? this.#total;
    this.#value = event.metrics[this.#metric] ?? this.#value;
  }

  finish(): void {
    this.#done = true;
  }

  get progress(): Progress {
    const steps = this.#step - (this.#first ?? 0);
    return {
      name: this.#name,
      step: this.#step,
      total: this.#total,
      value: this.#value,
      rate: steps > 0 && this.#seconds > 0 ? steps / this.#seconds : undefined,
      done: this.#done,
    };
  }
}

/** Seconds until runs that take turns are all done; undefined while a rate or a total is unknown. */
export function secondsLeft(runs: readonly Progress[]): number | undefined {
  let sum = 0;
  for (const { step, total, rate, done } of runs) {
    if (done) continue;
    if (total === undefined || rate === undefined) return undefined;
    sum += (total - step) / rate;
  }
  return sum;
}

/** `0:07`, `12:30`, `1:05:00`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Rate and metric as one short text: `840 steps/s · loss 0.0123`. */
export function details({ rate, value }: Progress, metric: string): string {
  const parts = [];
  if (rate !== undefined) parts.push(`${Number(rate.toPrecision(3))} steps/s`);
  if (value !== undefined)
    parts.push(`${metric} ${Number.isFinite(value) ? Number(value.toPrecision(4)) : value}`);
  return parts.join(" · ");
}

/** `1200/4000`, or `1200` where the total is unknown. */
export const steps = ({ step, total }: Progress): string =>
  total === undefined ? `${step}` : `${step}/${total}`;

/** The line below the runs. */
export function footer(runs: readonly Progress[], interrupted: boolean): string {
  if (interrupted) return "stopped";
  if (runs.every((run) => run.done)) return "done";
  const left = secondsLeft(runs);
  return left === undefined ? "starting" : `${clock(left)} left`;
}
