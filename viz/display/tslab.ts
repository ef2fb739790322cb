import { createRequire } from "node:module";
import type { Send } from "./bundle.js";

/** How the tslab kernel sends outputs of the cell that it is executing, or null outside of one. */
export function tslabSend(): Send | null {
  // tslab's public display sends one MIME type at a time; the writer behind it takes bundles.
  const write = loaded<{ lastWriteDisplayData?: Send | null }>(
    "/tslab/dist/jupyter.js",
  )?.lastWriteDisplayData;
  if (!write) return null;
  sendAtOnce();
  return write;
}

interface Publisher {
  sendTimeout: number;
  send(...args: unknown[]): Promise<void>;
}

let sendsAtOnce = false;

/**
 * zeromq hands every 512th message to a later turn of the event loop, and drops what is sent until then, even the message that the cell has
 * ended. With no time to wait it sends at once, always; a publisher never has to wait.
 */
function sendAtOnce(): void {
  const prototype = loaded<{ Publisher: { prototype: Publisher } }>("/zeromq/lib/index.js")?.Publisher
    .prototype;
  if (sendsAtOnce || !prototype) return;
  sendsAtOnce = true;
  // tslab keeps its one publisher to itself: meet it at its next message. `send` is inherited, so that deleting this one restores it.
  Object.defineProperty(prototype, "send", {
    configurable: true,
    value(this: Publisher, ...args: unknown[]) {
      delete (prototype as Partial<Publisher>).send;
      this.sendTimeout = 0;
      return this.send(...args);
    },
  });
}

/** The exports of a CommonJS module that this process has loaded from somewhere, found by the end of its path. */
function loaded<Exports>(path: string): Exports | undefined {
  const { cache } = createRequire(import.meta.url);
  const key = Object.keys(cache).find((file) => file.replaceAll("\\", "/").endsWith(path));
  return key === undefined ? undefined : (cache[key]?.exports as Exports);
}
