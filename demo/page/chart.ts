import { type ArmName, arms } from "../messages.js";
import { colors } from "./colors.js";
import { surface } from "./dom.js";

export interface ChartConfig {
  /** Iterations on the horizontal axis, at least. */
  iterations: number;
  /** Of the vertical axis; the top may grow with the data. */
  top: number;
  /** Text of a number on the vertical axis. */
  format(value: number): string;
  /** A value that something is compared with, and its name. */
  reference?: { value: number; label: string };
}

export interface Series {
  readonly iterations: readonly number[];
  readonly values: Record<ArmName, readonly number[]>;
}

const names: Record<ArmName, string> = { pixel: "pixel", MFD: "MFD" };
const margin = { left: 44, right: 50, top: 8, bottom: 34 };

/** Two lines over the iterations, labelled at their ends. */
export class Chart {
  private readonly begin: ReturnType<typeof surface>;

  constructor(
    canvas: HTMLCanvasElement,
    private readonly config: ChartConfig,
    onResize: () => void,
  ) {
    this.begin = surface(canvas, onResize);
  }

  draw({ iterations, values }: Series): void {
    const { context, width, height } = this.begin();
    const ink = colors();
    const { config } = this;
    const [right, bottom] = [width - margin.right, height - margin.bottom];
    const all = arms.flatMap((name) => values[name]).filter(Number.isFinite);
    const top = Math.max(config.top, ...all) * 1.02;
    const last = Math.max(config.iterations, iterations.at(-1) ?? 0);
    const x = (value: number): number => margin.left + (value / last) * (right - margin.left);
    const y = (value: number): number => bottom - (value / top) * (bottom - margin.top);
    context.globalAlpha = 1;
    context.clearRect(0, 0, width, height);
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const value of ticks(top, 4)) {
      context.strokeStyle = ink.line;
      line(context, margin.left, y(value), right, y(value));
      context.fillStyle = ink.muted;
      context.fillText(config.format(value), margin.left - 6, y(value));
    }
    context.textAlign = "center";
    for (const value of ticks(last, width > 420 ? 6 : 3))
      context.fillText(value.toLocaleString("en"), x(value), bottom + 11);
    context.fillText("iteration", (margin.left + right) / 2, height - 7);
    if (config.reference) {
      context.strokeStyle = ink.muted;
      context.setLineDash([4, 4]);
      line(context, margin.left, y(config.reference.value), right, y(config.reference.value));
      context.setLineDash([]);
      context.textAlign = "left";
      context.fillText(config.reference.label, right + 6, y(config.reference.value));
    }
    const ends = arms.map((name) => ({ name, value: values[name].at(-1) ?? Number.NaN }));
    for (const { name } of ends) {
      context.strokeStyle = ink.arms[name];
      context.lineWidth = 2.2;
      context.lineJoin = "round";
      context.setLineDash(name === "pixel" ? [] : [7, 3]);
      context.beginPath();
      values[name].forEach((value, i) => {
        if (Number.isFinite(value)) context.lineTo(x(iterations[i]!), y(value));
      });
      context.stroke();
    }
    context.setLineDash([]);
    const end = x(iterations.at(-1) ?? 0);
    const taken = config.reference && end > right - 60 ? [y(config.reference.value)] : [];
    const places = apart([...ends.map(({ value }) => y(value)), ...taken], 14);
    ends.forEach(({ name, value }, i) => {
      if (!Number.isFinite(value)) return;
      context.fillStyle = ink.arms[name];
      context.textAlign = "left";
      context.fillText(names[name], end + 6, places[i]!);
    });
  }
}

function line(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

/** About `count` round numbers from 0 to `top`. */
function ticks(top: number, count: number): number[] {
  const raw = top / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((value) => value >= raw * 0.999)!;
  return Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, i) => i * step);
}

/** Places for labels, moved so that none is nearer than `gap` to another; a third place stays where it is. */
function apart(places: readonly number[], gap: number): number[] {
  const fixed = places.length > 2 ? [places[2]!] : [];
  const out: number[] = [];
  for (const place of places.slice(0, 2)) {
    let moved = place;
    for (const taken of [...fixed, ...out])
      if (Math.abs(moved - taken) < gap) moved = taken + (moved < taken ? -gap : gap);
    out.push(moved);
  }
  return out;
}
