import { randomBytes } from "node:crypto";
import type { MimeBundle } from "./bundle.js";
import { denoSend } from "./deno.js";
import { tslabSend } from "./tslab.js";

/** The cell of a notebook that is being executed: where outputs go. */
export interface Cell {
  /** Adds an output to the cell. */
  display(output: MimeBundle): void;
  /** Adds an output that later calls of the returned function replace in place. */
  displayUpdatable(output: MimeBundle): (next: MimeBundle) => void;
}

/** The cell that a notebook's kernel, tslab or Deno's, is executing; null outside of both. Keep it to write to the same cell later. */
export function currentCell(): Cell | null {
  const send = tslabSend() ?? denoSend();
  if (!send) return null;
  const content = ({ data, metadata = {} }: MimeBundle, display_id?: string) => ({
    data,
    metadata,
    transient: display_id === undefined ? {} : { display_id },
  });
  return {
    display: (output) => send(content(output), false),
    displayUpdatable(output) {
      const id = randomBytes(8).toString("hex");
      send(content(output, id), false);
      return (next) => send(content(next, id), true);
    },
  };
}
