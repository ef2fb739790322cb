import { inspect } from "node:util";
import { check, required } from "../../src/errors.js";
import type { MimeBundle } from "../display/bundle.js";
import { currentCell } from "../display/cell.js";
import { escapeHTML, formatCount, metricTitle } from "../text.js";
import { type Column, column, isInterval, type TableValue } from "./columns.js";

/** A row of a table: values by the names of its columns. */
export type TableRow = { readonly [column: string]: TableValue };

/** Options of `table`. */
export interface TableOptions {
  /** Which columns, in which order. Default: all, in the order in which they first appear. */
  columns?: readonly string[];
  /** What stands over a column in place of its name. */
  titles?: { readonly [column: string]: string };
  /** Columns in which the best number is marked, and which end is best; of equal ones all are marked. Intervals count by their means. */
  best?: Readonly<Record<string, "lowest" | "highest">>;
  /** How a column's numbers are written. Default: three digits of the largest number, as many decimals in all rows; with intervals, the digits that these leave certain. */
  format?: Readonly<Record<string, (value: number) => string>>;
  /** Above the table. */
  title?: string;
}

/**
 * A table that shows itself: as the last expression of a notebook's cell, by `show`, and in a terminal by `console.log`.
 */
export interface Table {
  /** As text, columns aligned by spaces; the best numbers have a star. */
  readonly text: string;
  /** As HTML that notebooks show also where they do not trust it; the best numbers are bold. */
  readonly html: string;
}

/** Rows of a longer table that are shown. */
const maxRows = 100;

/**
 * Rows as a table: HTML in notebooks, aligned text in terminals. A cell is text, a number, a yes or no, or an interval
 * `{ mean, low, high }`, written "0.24 (0.21 to 0.27)"; columns are called as metrics are ("manifoldDistance": "distance to the manifold").
 * Of more than 100 rows the first 100 are shown.
 * @param rows Values by the names of their columns; what a row does not have stays empty.
 * @throws TangentLabError `invalid-argument` for rows of other things, columns that no row has, and unknown options.
 */
export function table(rows: readonly TableRow[], options: TableOptions = {}): Table {
  const columns = readTable(rows, options);
  const more = rows.length - Math.min(rows.length, maxRows);
  const note = more > 0 ? `${formatCount(more)} more rows` : undefined;
  const parts = { columns, title: options.title, note };
  const made = { text: toText(parts), html: toHTML(parts) };
  return withDisplay(made);
}

/** A table's output in a notebook. */
export const tableBundle = ({ text, html }: Table): MimeBundle => ({
  data: { "text/html": html, "text/plain": text },
});

export const isTable = (value: unknown): value is Table =>
  typeof (value as Table | null)?.text === "string" && typeof (value as Table).html === "string";

const withDisplay = (made: Table): Table => {
  const protocols = {
    [Symbol.for("Jupyter.display")]: () => tableBundle(made).data,
    [inspect.custom]: () => {
      const cell = currentCell();
      cell?.display(tableBundle(made));
      return cell ? "" : made.text;
    },
  };
  return Object.assign(made, protocols);
};

function readTable(rows: readonly TableRow[], options: TableOptions): Column[] {
  check(Array.isArray(rows) && rows.length > 0, "rows", rows, "a list with at least one row");
  check.only("table", options, ["columns", "titles", "best", "format", "title"]);
  const { columns, titles = {}, best = {}, format = {}, title } = options;
  check(title === undefined || typeof title === "string", "title", title, "text");
  for (const [i, row] of rows.entries()) checkRow(`rows[${i}]`, row);
  const known = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  check(known.length > 0, "rows", rows, "rows with at least one column");
  const names = columns === undefined ? known : columns;
  check(Array.isArray(names) && names.length > 0, "columns", columns, "a list of columns' names");
  const among = (argument: string, name: string): void =>
    check(known.includes(name), argument, name, `one of ${known.join(", ")}`);
  for (const [i, name] of names.entries()) among(`columns[${i}]`, name);
  const tables: [string, { readonly [column: string]: unknown }, (value: unknown) => boolean, string][] = [
    ["titles", titles, (value) => typeof value === "string", "text"],
    ["best", best, (value) => value === "lowest" || value === "highest", "lowest or highest"],
    ["format", format, (value) => typeof value === "function", "a function from a number to text"],
  ];
  for (const [option, of, fits, allowed] of tables) {
    for (const [name, value] of Object.entries(required(option, of, "an object with columns' names"))) {
      among(option, name);
      check(fits(value), `${option}.${name}`, value, allowed);
    }
  }
  const shown = rows.slice(0, maxRows);
  return names.map((name) => {
    const values = shown.map((row) => own<TableValue>(row, name));
    const [title, end, write] = [own(titles, name), own(best, name), own(format, name)];
    return column(title ?? metricTitle(name), values, {
      ...(end && { best: end }),
      ...(write && { format: write }),
    });
  });
}

/** What an object has by a name that could also be one of every object's, such as "constructor". */
const own = <Value>(of: { readonly [name: string]: Value }, name: string): Value | undefined =>
  Object.hasOwn(of, name) ? of[name] : undefined;

function checkRow(argument: string, row: TableRow): void {
  check(!Array.isArray(row), argument, row, "an object with values by columns");
  for (const [name, value] of Object.entries(required(argument, row, "an object with values by columns"))) {
    const plain = value === null || ["string", "number", "boolean", "undefined"].includes(typeof value);
    check(
      plain || isInterval(value),
      `${argument}.${name}`,
      value,
      "text, a number, true or false, or an interval { mean, low, high }",
    );
  }
}

interface Parts {
  columns: readonly Column[];
  title: string | undefined;
  note: string | undefined;
}

function toText({ columns, title, note }: Parts): string {
  const padded = columns.map(({ title, numeric, texts, best }) => {
    const marked = best.some(Boolean);
    const lines = [title, ...texts.map((text, i) => (marked ? `${text}${best[i] ? " *" : "  "}` : text))];
    const width = Math.max(...lines.map((line) => line.length));
    return lines.map((line) => (numeric ? line.padStart(width) : line.padEnd(width)));
  });
  const lines = padded[0]!.map((_, i) =>
    padded
      .map((cells) => cells[i])
      .join("  ")
      .trimEnd(),
  );
  const rule = "-".repeat(Math.max(...lines.map((line) => line.length)));
  return [
    ...(title ? [title] : []),
    lines[0],
    rule,
    ...lines.slice(1),
    ...(note ? [`... ${note}`] : []),
  ].join("\n");
}

/** Notebooks that are not trusted keep inline styles and no others. */
function toHTML({ columns, title, note }: Parts): string {
  const align = ({ numeric }: Column): string => (numeric ? "right" : "left");
  const cell = (tag: "th" | "td", of: Column, text: string): string =>
    `<${tag} style="text-align:${align(of)};padding:3px 12px;white-space:nowrap">${text}</${tag}>`;
  const rows = columns[0]!.texts.map((_, i) => {
    const cells = columns.map((of) => {
      const text = escapeHTML(of.texts[i]!);
      return cell("td", of, of.best[i] ? `<b>${text}</b>` : text);
    });
    return `<tr>${cells.join("")}</tr>`;
  });
  const head = columns.map((of) => cell("th", of, escapeHTML(of.title))).join("");
  const caption = title
    ? `<caption style="text-align:left;font-weight:bold;padding:3px 12px">${escapeHTML(title)}</caption>`
    : "";
  const after = note ? `<div style="padding:3px 12px">… ${escapeHTML(note)}</div>` : "";
  return `<table style="border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums">${caption}<thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>${after}`;
}
