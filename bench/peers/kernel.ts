import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

interface Publisher {
  readonly lastEndpoint: string;
  bind(address: string): Promise<void>;
  send(parts: string[]): Promise<void>;
  close(): void;
}

/** Receives what is published and drops it: the least that a notebook server does. */
const subscriber = `
  const socket = new (require(process.argv[1]).Subscriber)();
  socket.connect(process.argv[2]);
  socket.subscribe();
  process.stdin.on("end", () => process.exit()).resume();
  (async () => { for await (const _ of socket); })();
`;

/** Where displays go in a tslab kernel: signed as Jupyter's messages are and published to another process. */
export class Kernel {
  /** Bytes published. */
  bytes = 0;
  /** Messages published. */
  messages = 0;

  private constructor(
    private readonly socket: Publisher,
    private readonly other: ChildProcess,
  ) {}

  /** Makes this process look like a kernel that is executing a cell. */
  static async start(): Promise<Kernel> {
    const path = createRequire(require.resolve("tslab/package.json")).resolve("zeromq");
    const zeromq = require(path) as { Publisher: new () => Publisher };
    const socket = new zeromq.Publisher();
    await socket.bind("tcp://127.0.0.1:*");
    const other = spawn(process.execPath, ["-e", subscriber, path, socket.lastEndpoint], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    const kernel = new Kernel(socket, other);
    const tslab = require("tslab/dist/jupyter.js") as { lastWriteDisplayData: unknown };
    const key = randomBytes(16).toString("hex");
    const header = { version: "5.3", session: key, username: "bench", msg_id: key };
    tslab.lastWriteDisplayData = (content: object, update: boolean) => {
      const type = { ...header, msg_type: update ? "update_display_data" : "display_data" };
      const parts = [type, header, {}, content].map((part) => JSON.stringify(part));
      const hash = createHmac("sha256", key);
      for (const part of parts) hash.update(part);
      void socket.send(["<IDS|MSG>", hash.digest("hex"), ...parts]);
      kernel.messages++;
      kernel.bytes += parts.reduce((sum, part) => sum + part.length, 0);
    };
    return kernel;
  }

  async close(): Promise<void> {
    (require("tslab/dist/jupyter.js") as { lastWriteDisplayData: unknown }).lastWriteDisplayData = null;
    this.socket.close();
    const ended = once(this.other, "exit");
    this.other.stdin!.end();
    await ended;
  }
}
