import { disturbed, type Measurement } from "./measure.js";
import type { Memory } from "./memory.js";

export interface Section {
  readonly title: string;
  /** Not a training step beside other libraries' but something else as a whole, beside one other way to do it. */
  readonly whole?: boolean;
  readonly measurements: readonly Measurement[];
  readonly memory?: Memory;
  /** Milliseconds that the products of a step take at the machine's peak. */
  readonly floor?: number;
  /** First step less second: tracing and compiling. */
  readonly compileSeconds?: number;
}

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly threads: number;
  /** Floating-point operations per second. */
  readonly peak: number;
  readonly versions: string;
  readonly nanosecondsPerNormal: number;
  readonly sections: readonly Section[];
}

const number = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
const ratio = (m: Measurement): string =>
  `${disturbed(m) ? "~" : ""}${digits(m.ratio)} (${digits(m.quartiles[0])}-${digits(m.quartiles[1])})`;
const digits = (value: number): string => (value < 0.095 ? value.toFixed(3) : value.toFixed(2));

/** One line for each participant. */
export function plain({ title, measurements, memory, floor, compileSeconds }: Section): string {
  const width = Math.max(...measurements.map(({ name }) => name.length));
  const lines = measurements.map((m, i) => {
    const time = `${number(m.milliseconds).padStart(7)} ms`;
    const relation = i === 0 ? "" : `  ${ratio(m)} of its time, best ${digits(m.bestRatio)}`;
    return `  ${m.name.padEnd(width)} ${time}${relation}  [${m.setting}; ${m.rounds} rounds]`;
  });
  if (compileSeconds !== undefined) {
    const least = floor === undefined ? "" : `floor ${number(floor)} ms, `;
    lines.push(`  ${least}compiled in ${digits(compileSeconds)} s`);
  }
  return [title, ...lines, ...(memory ? [`  ${held(memory)}`] : [])].join("\n");
}

const held = ({ ours, pytorch }: Memory): string =>
  `peak memory ${ours.toFixed(0)} MiB${pytorch === undefined ? "" : `, PyTorch ${pytorch.toFixed(0)} MiB: ${digits(ours / pytorch)} of its`}`;

/** The page docs/speed.md. */
export function markdown(report: Report): string {
  const steps = report.sections.filter(({ whole }) => !whole);
  const others = report.sections.filter(({ whole }) => whole);
  return `${[
    "# Speed",
    "`npm run bench -- --python PATH --update` wrote this page in one run. PATH is a Python with PyTorch and umap-learn. The machine should be idle.",
    `${report.date}, ${report.machine}, ${report.threads} threads, ${report.versions}.`,
    "## Steps",
    stepTable(steps).join("\n"),
    `Ratios are our time divided by theirs: median and, in brackets, the middle half of alternating rounds. Below 1 we are faster. Training steps are
forward pass, backward pass, optimizer and moving average, from the same weights and data; the first losses are compared. PyTorch eager is the fastest of
its settings: fused or foreach optimizer, channels_last or not. ~ marks ratios that something else on the machine disturbed: the fastest blocks say otherwise
or rounds disagree.`,
    `The floor is what the step's matrix products and convolutions take at the peak that this machine reached in the same run, ${(report.peak / 1e9).toFixed(0)} GFLOP/s.
Compiling is the first step less the second. Memory is the most that a process of its own held, interpreter and libraries included.`,
    "## The rest",
    otherTable(others).join("\n"),
    `Standard normals: ${report.nanosecondsPerNormal.toFixed(1)} ns each.`,
  ].join("\n\n")}\n`;
}

/** A run on a GPU: a table with date and card. PyTorch's card may be another one, and is said. */
export const onGpu = (
  { date, versions, sections }: Report,
  engine: string,
  card: string | undefined,
): string =>
  [`${date}, ${engine}, ${versions}${card ? ` on ${card}` : ""}.`, stepTable(sections).join("\n")].join(
    "\n\n",
  );

function stepTable(sections: readonly Section[]): string[] {
  const names = [...new Set(sections.flatMap((s) => s.measurements.slice(1).map((m) => m.name)))];
  const head = [
    "One step",
    "ms",
    "floor, ms",
    ...names.map((name) => `against ${name}`),
    "compiled in, s",
    "memory, MiB",
    "against PyTorch",
  ];
  const rows = sections.map(({ title, measurements, memory, floor, compileSeconds }) => [
    title,
    number(measurements[0]!.milliseconds),
    floor === undefined ? "" : number(floor),
    ...names.map((name) => {
      const found = measurements.find((m) => m.name === name);
      return found ? ratio(found) : "";
    }),
    compileSeconds === undefined ? "" : digits(compileSeconds),
    memory ? memory.ours.toFixed(0) : "",
    memory?.pytorch === undefined ? "" : digits(memory.ours / memory.pytorch),
  ]);
  // Nothing was measured in a column without numbers.
  const kept = head.flatMap((_, i) => (i === 0 || rows.some((row) => row[i] !== "") ? [i] : []));
  const pick = (row: readonly string[]): string[] => kept.map((i) => row[i]!);
  return table(pick(head), rows.map(pick));
}

function otherTable(sections: readonly Section[]): string[] {
  const rows = sections.map(({ title, measurements: [ours, theirs] }) => [
    title,
    number(ours!.milliseconds),
    ours!.setting,
    `${theirs!.name}: ${theirs!.setting}`,
    ratio(theirs!),
  ]);
  return table(["", "ms", "ours", "against", "ratio"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)];
}
