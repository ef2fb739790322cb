import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));

/** A Python process that answers one line of JSON with another. */
export class Peer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly lines: AsyncIterator<string>,
    private readonly reader: Interface,
  ) {}

  /**
   * A process and the version of what it speaks for; undefined if that Python does not have it, or is not there.
   * @param script beside this file; it answers `hello`.
   * @param greeting what else it gets with that.
   */
  static async start<More = object>(
    python: string,
    script: string,
    threads: number,
    greeting: object = {},
  ): Promise<({ peer: Peer; version: string } & More) | undefined> {
    // One setting for every numeric library in it, from its start.
    const env = {
      ...process.env,
      OMP_NUM_THREADS: `${threads}`,
      NUMBA_NUM_THREADS: `${threads}`,
      PYTHONDONTWRITEBYTECODE: "1",
    };
    const child = spawn(python, [join(folder, script)], { stdio: ["pipe", "pipe", "ignore"], env });
    child.on("error", () => {}); // seen as the end of its answers
    child.stdin!.on("error", () => {});
    const reader = createInterface({ input: child.stdout! });
    const peer = new Peer(child, reader[Symbol.asyncIterator](), reader);
    try {
      return { ...(await peer.ask<{ version: string } & More>({ do: "hello", threads, ...greeting })), peer };
    } catch {
      await peer.close();
      return undefined;
    }
  }

  async ask<T>(request: object): Promise<T> {
    this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error("the Python process ended");
    const answer = JSON.parse(value) as T & { error?: string };
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  /** Asks with the path of a file that holds the numbers and is gone afterwards. */
  async askWith<T>(numbers: Float32Array, request: object): Promise<T> {
    const temporary = await mkdtemp(join(tmpdir(), "tangent-lab-bench-"));
    try {
      const file = join(temporary, "numbers.f32");
      await writeFile(file, numbers);
      return await this.ask<T>({ ...request, file });
    } finally {
      await rm(temporary, { recursive: true });
    }
  }

  async close(): Promise<void> {
    this.reader.close();
    if (this.child.exitCode !== null || this.child.pid === undefined) return;
    const ended = once(this.child, "exit");
    this.child.stdin!.end();
    await ended;
  }
}
