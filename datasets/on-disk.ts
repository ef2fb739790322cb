import { Worker } from "node:worker_threads";
import * as random from "../src/engine/random.js";
import { displayedDataset } from "../src/engine/self-display.js";
import { TangentLabError } from "../src/errors.js";
import { fileSystemError, withFile } from "../src/io/files.js";
import { Parts } from "../src/io/fingerprint.js";
import { finite } from "./arrays.js";
import type { Dataset } from "./dataset.js";
import { type DiskAnswer, type DiskRequest, reader } from "./disk-reader.js";

/** Images in a file. */
export interface ImagesOnDisk {
  name: string;
  /** The file: [size, height, width, channels], 0 ... 255, and nothing else. */
  path: string;
  /** [height, width, channels] */
  shape: readonly [number, number, number];
  size: number;
  labels?: Int32Array;
  numClasses?: number;
  classNames?: readonly string[];
}

/** A dataset of images that stay in a file: an example is read when it is drawn, and for a training in a worker thread ahead of its step. */
export function imagesOnDisk({ path, ...rest }: ImagesOnDisk): Dataset {
  const { shape, size, labels } = rest;
  const width = shape.reduce((a, b) => a * b, 1);
  const read = reader(path, width);
  const data = finite({
    ...rest,
    contents: () => [new Parts(size * width, () => wholeFile(path))],
    write: (index, out, offset) => {
      try {
        read(index, out, offset);
      } catch (cause) {
        throw fileSystemError("read", path, cause);
      }
    },
  });
  return displayedDataset<Dataset>({
    ...data,
    background: () => {
      const worker = new DiskWorker(path, width);
      return {
        sample: async (key, count) => {
          const indices = random.integers(key, count, size);
          const x = await worker.read(indices);
          return labels ? { x, labels: indices.map((index) => labels[index]!) } : { x };
        },
        close: () => worker.close(),
      };
    },
  });
}

/** Bytes that are read at a time. */
const pieceBytes = 2 ** 22;

async function* wholeFile(path: string): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let more = true; more; ) {
    const piece = await withFile(path, (file) => {
      more = at + pieceBytes < file.size;
      return file.read(at, Math.min(at + pieceBytes, file.size));
    });
    at += piece.length;
    yield piece;
  }
}

type Waiting = { resolve(x: Float32Array): void; reject(error: unknown): void };

/** Reads batches in another thread. It does not keep a process alive while nothing is asked of it. */
class DiskWorker {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #ended = false;

  constructor(path: string, width: number) {
    this.#path = path;
    // The built one also where this runs from its source, as in tests: a thread has no loader of TypeScript.
    const place = import.meta.url.endsWith(".ts") ? "../dist/datasets" : ".";
    const file = new URL(`${place}/disk-worker.js`, import.meta.url);
    this.#worker = new Worker(file, { workerData: { path, width } });
    this.#worker.on("message", (answer: DiskAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#forget(answer.id);
      if ("x" in answer) waiting?.resolve(answer.x);
      else waiting?.reject(this.#error(answer.error));
    });
    this.#worker.on("error", (cause) => this.#fail((cause as Error).message));
    this.#worker.on("exit", () => {
      this.#ended = true;
      this.#fail("its thread has ended");
    });
    this.#worker.unref();
  }

  read(indices: Int32Array): Promise<Float32Array> {
    if (this.#ended) return Promise.reject(this.#error("its thread has ended"));
    const id = this.#asked++;
    this.#worker.ref();
    const answer = new Promise<Float32Array>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#worker.postMessage({ id, indices } satisfies DiskRequest);
    return answer;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #forget(id: number): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
  }

  #error = (why: string): TangentLabError =>
    new TangentLabError("file-system", `cannot read ${this.#path}: ${why}`, { argument: "path" });

  #fail(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(this.#error(why));
    this.#waiting.clear();
  }
}
