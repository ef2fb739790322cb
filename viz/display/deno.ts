import type { Send } from "./bundle.js";

interface DenoJupyter {
  broadcast(type: "display_data" | "update_display_data", content: object): Promise<void>;
}

/** How Deno's kernel sends outputs, or null outside of it. Sent when called, not later: what a cell shows belongs to this cell, awaited or not. */
export function denoSend(): Send | null {
  const jupyter = kernel();
  if (!jupyter) return null;
  return (content, update) =>
    void jupyter.broadcast(update ? "update_display_data" : "display_data", content);
}

function kernel(): DenoJupyter | undefined {
  try {
    // The getter throws where Deno runs a plain script.
    return (globalThis as { Deno?: { jupyter?: DenoJupyter } }).Deno?.jupyter;
  } catch {
    return undefined;
  }
}
