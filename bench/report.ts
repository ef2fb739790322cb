import { disturbed, type Measurement } from "./measure.js";
import type { Memory } from "./memory.js";

export interface Section {
  readonly title: string;
  /** Not a training step beside other libraries' but something else as a whole, beside one other way to do it. */
  readonly whole?: boolean;
  readonly measurements: readonly Measurement[];
  readonly memory?: Memory;
}

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly threads: number;
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
export function plain({ title, measurements, memory }: Section): string {
  const width = Math.max(...measurements.map(({ name }) => name.length));
  const lines = measurements.map((m, i) => {
    const time = `${number(m.milliseconds).padStart(7)} ms`;
    const relation = i === 0 ? "" : `  ${ratio(m)} of its time, best ${digits(m.bestRatio)}`;
    return `  ${m.name.padEnd(width)} ${time}${relation}  [${m.setting}; ${m.rounds} rounds]`;
  });
  return [title, ...lines, ...(memory ? [`  ${held(memory)}`] : [])].join("\n");
}

const held = ({ ours, pytorch }: Memory): string =>
  `peak memory ${ours.toFixed(0)} MiB${pytorch === undefined ? "" : `, PyTorch ${pytorch.toFixed(0)} MiB: ${digits(ours / pytorch)} of its`}`;

/** Tables of ratios for the README: of steps one row for each workload and one column for each participant; of the rest one row for each. */
export function markdown(report: Report): string {
  const steps = report.sections.filter(({ whole }) => !whole);
  const others = report.sections.filter(({ whole }) => whole);
  return [
    ...(steps.length > 0 ? [...stepTable(steps), ""] : []),
    ...(others.length > 0 ? [...otherTable(others), ""] : []),
    `Our time divided by theirs, median and middle half of alternating rounds; below 1 we are faster. Training steps are forward, backward, optimizer and moving average; ` +
      `the same weights and data, first losses compared. ~ marks ratios that something else on the machine disturbed: fastest blocks say otherwise or rounds disagree. ${report.date}, ${report.machine}, ${report.threads} threads, ${report.versions}. ` +
      `Standard normals: ${report.nanosecondsPerNormal.toFixed(1)} ns each.`,
  ].join("\n");
}

function stepTable(sections: readonly Section[]): string[] {
  const names = [...new Set(sections.flatMap((s) => s.measurements.slice(1).map((m) => m.name)))];
  const remembered = sections.some(({ memory }) => memory?.pytorch !== undefined);
  const head = [
    "One step",
    "ms",
    ...names.map((name) => `against ${name}`),
    ...(remembered ? ["peak memory against PyTorch"] : []),
  ];
  const rows = sections.map(({ title, measurements, memory }) => [
    title,
    number(measurements[0]!.milliseconds),
    ...names.map((name) => {
      const found = measurements.find((m) => m.name === name);
      return found ? ratio(found) : "";
    }),
    ...(remembered ? [memory?.pytorch === undefined ? "" : digits(memory.ours / memory.pytorch)] : []),
  ]);
  return table(head, rows);
}

function otherTable(sections: readonly Section[]): string[] {
  const rows = sections.map(({ title, measurements: [ours, theirs] }) => [
    title,
    number(ours!.milliseconds),
    theirs!.name,
    ratio(theirs!),
  ]);
  return table(["Also", "ms", "against", "ratio"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)];
}
