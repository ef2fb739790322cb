import { createRequire } from "node:module";
import type { Send } from "./bundle.js";

/** How the tslab kernel sends outputs of the cell that it is executing, or null outside of one. */
export function tslabSend(): Send | null {
  // tslab's public display sends one MIME type at a time; the writer behind it takes bundles.
  // Of a kernel that is installed for all and a tslab among the project's own packages, only the kernel's copy has one.
  const write = loaded<{ lastWriteDisplayData?: Send | null }>("/tslab/dist/jupyter.js").find(
    (tslab) => tslab.lastWriteDisplayData,
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
  const copies = loaded<{ Publisher: { prototype: Publisher } }>("/zeromq/lib/index.js");
  if (sendsAtOnce || copies.length === 0) return;
  sendsAtOnce = true;
  for (const { Publisher } of copies) sendAtOnceFrom(Publisher.prototype);
}

function sendAtOnceFrom(prototype: Publisher): void {
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

/** The exports of all copies of a CommonJS module that this process has loaded, found by the end of their paths. */
function loaded<Exports>(path: string): Exports[] {
  const { cache } = createRequire(import.meta.url);
  const keys = Object.keys(cache).filter((file) => file.replaceAll("\\", "/").endsWith(path));
  return keys.map((key) => cache[key]?.exports as Exports);
}
