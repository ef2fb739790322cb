import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import type { MimeBundle } from "./bundle.js";

/** The cell of a notebook that is being executed: where outputs go. */
export interface Cell {
  /** Adds an output to the cell. */
  display(output: MimeBundle): void;
  /** Adds an output that later calls of the returned function replace in place. */
  displayUpdatable(output: MimeBundle): (next: MimeBundle) => void;
}

/** The cell that tslab is executing, or null outside of a tslab kernel. Keep it to write to the same cell later. */
export function currentCell(): Cell | null {
  // tslab's public display sends one MIME type at a time; the writer behind it takes bundles.
  const write = loaded<{ lastWriteDisplayData?: DisplayWriter | null }>(
    "/tslab/dist/jupyter.js",
  )?.lastWriteDisplayData;
  if (!write) return null;
  sendAtOnce();
  const content = ({ data, metadata = {} }: MimeBundle, display_id?: string) => ({
    data,
    metadata,
    transient: display_id === undefined ? {} : { display_id },
  });
  return {
    display: (output) => write(content(output), false),
    displayUpdatable(output) {
      const id = randomBytes(8).toString("hex");
      write(content(output, id), false);
      return (next) => write(content(next, id), true);
    },
  };
}

type DisplayWriter = (content: object, update: boolean) => void;

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
