import { inspect } from "node:util";
import { toPNG } from "../render/png.js";
import type { VegaLiteSpec } from "../spec.js";
import { chartBundle } from "./bundle.js";
import { picture } from "./render-now.js";
import { summary } from "./summary.js";
import { currentCell } from "./tslab.js";

/**
 * Shows a chart: in a notebook as one output, interactive where the front end can draw Vega-Lite and a PNG elsewhere; in a terminal
 * as a short text summary (use `save` for a file).
 */
export function show(spec: VegaLiteSpec): void {
  const cell = currentCell();
  if (cell) cell.display(chartBundle(spec, picture(spec)));
  else if (denoJupyter()) void denoJupyter()!.display(figure(spec));
  else console.log(summary(spec));
}

/** A chart that shows itself where it is the last expression of a notebook cell, in tslab and in Deno's kernel. */
export interface Figure {
  readonly spec: VegaLiteSpec;
}

/** Wraps a chart so that it shows as the last expression of a cell; printed in a terminal it is a short text summary. */
export function figure(spec: VegaLiteSpec): Figure {
  const protocols = {
    // Deno's protocol.
    [Symbol.for("Jupyter.display")]: async () => chartBundle(spec, await toPNG(spec)).data,
    // tslab knows no protocol, but prints the last expression, and printing asks for this.
    [inspect.custom]: () => {
      currentCell()?.display(chartBundle(spec, picture(spec)));
      return summary(spec);
    },
  };
  return { spec, ...protocols };
}

interface DenoJupyter {
  display(value: unknown): Promise<void>;
}

function denoJupyter(): DenoJupyter | undefined {
  try {
    // The getter throws where Deno runs a plain script.
    return (globalThis as { Deno?: { jupyter?: DenoJupyter } }).Deno?.jupyter;
  } catch {
    return undefined;
  }
}
