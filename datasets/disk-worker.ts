// The thread in which batches of a set on disk are read and scaled: see on-disk.ts.
import { parentPort, workerData } from "node:worker_threads";
import { type DiskAnswer, type DiskRequest, reader } from "./disk-reader.js";

const { path, width } = workerData as { path: string; width: number };
const read = reader(path, width);

parentPort!.on("message", ({ id, indices }: DiskRequest) => {
  try {
    const x = new Float32Array(indices.length * width);
    for (const [i, index] of indices.entries()) read(index, x, i * width);
    parentPort!.postMessage({ id, x } satisfies DiskAnswer, [x.buffer as ArrayBuffer]);
  } catch (error) {
    parentPort!.postMessage({ id, error: (error as Error).message } satisfies DiskAnswer);
  }
});
