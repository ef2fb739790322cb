import type { Diagnosis } from "./diagnosis.js";
import type { EngineState } from "./engines.js";

/** A diagnosis as text: a table of the engines, and facts. */
export function inWords(diagnosis: Diagnosis): string {
  const { machine, versions, chosen, convolutions, threads, notebooks, chromium, cache } = diagnosis;
  const { kernels, jupyterlab } = notebooks;
  const list = (record: Record<string, string>): string =>
    Object.entries(record)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ");
  const facts: [string, string][] = [
    ["chosen", `${chosen.engine ?? "none"}: ${chosen.why}`],
    ["convolutions", convolutions],
    ["threads", threads],
    ["versions", list(versions)],
    ["machine", list(machine)],
    ...Object.entries(diagnosis.environment),
    ["jupyterlab", jupyterlab ?? "missing: pip install jupyterlab"],
    ...(kernels.length > 0
      ? kernels.map(({ name, title, tslab }): [string, string] => {
          return [
            "kernel",
            `${name}, ${title}: ${tslab ? `tslab ${tslab.version} in ${tslab.path}` : "its tslab is missing"}`,
          ];
        })
      : [["kernel", "missing: npm install tslab && npx tangent-lab kernel install"] as [string, string]]),
    ["chromium", chromium ? `${chromium.path}, ${chromium.version ?? "says no version"}` : "missing"],
    ["cache", `${cache.path}: ${cache.files} files, ${(cache.bytes / 2 ** 20).toFixed(1)} MiB`],
  ];
  return [table(diagnosis.engines), "", aligned(facts)].join("\n");
}

/** Rows of an engine each: numbers are relative errors against plain JavaScript. */
function table(engines: readonly EngineState[]): string {
  const rows = engines.map(({ engine, state, checks, stepsPerSecond, note }) => [
    engine,
    state,
    stepsPerSecond === null ? "" : stepsPerSecond.toPrecision(3),
    ...["value", "gradient"].map((quantity) => {
      const found = checks.find((each) => each.quantity === quantity);
      return found === undefined ? "" : (found.error?.toExponential(0) ?? "NaN");
    }),
    note,
  ]);
  return aligned([["engine", "state", "steps/s", "values off", "gradients off", ""], ...rows]);
}

/** Columns of text, each as wide as its longest; the last is not filled up. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
