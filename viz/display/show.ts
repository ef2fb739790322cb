import { inspect } from "node:util";
import { toPNG } from "../render/png.js";
import { checkSpec, type VegaLiteSpec } from "../spec.js";
import { isTable, type Table, tableBundle } from "../table/table.js";
import { chartBundle } from "./bundle.js";
import { currentCell } from "./cell.js";
import { picture } from "./render-now.js";
import { summary } from "./summary.js";

/**
 * Shows a chart or a table: in a notebook as one output, a chart interactive where the front end can draw Vega-Lite and a PNG elsewhere; in a terminal
 * a chart as a short text summary (use `save` for a file), a table as text.
 */
export function show(spec: VegaLiteSpec | Table): void {
  const cell = currentCell();
  if (isTable(spec)) {
    if (cell) cell.display(tableBundle(spec));
    else console.log(spec.text);
    return;
  }
  checkSpec(spec);
  if (cell) cell.display(chartBundle(spec, picture(spec)));
  else console.log(summary(spec));
}

/** A chart that shows itself where it is the last expression of a notebook cell, in tslab and in Deno's kernel. */
export interface Figure {
  readonly spec: VegaLiteSpec;
}

/** Wraps a chart so that it shows as the last expression of a cell; printed in a terminal it is a short text summary. */
export function figure(spec: VegaLiteSpec): Figure {
  checkSpec(spec);
  const protocols = {
    // Deno's protocol. It has no place for a picture's size, so its pixels are CSS pixels.
    [Symbol.for("Jupyter.display")]: async () => chartBundle(spec, await toPNG(spec, { scale: 1 })).data,
    // tslab knows no protocol, but prints the last expression, and printing asks for this.
    [inspect.custom]: () => {
      currentCell()?.display(chartBundle(spec, picture(spec)));
      return summary(spec);
    },
  };
  return { spec, ...protocols };
}
