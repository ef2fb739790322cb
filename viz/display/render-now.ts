import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { VegaLiteSpec } from "../spec.js";

/** What the worker is asked: draw `spec`, answer on its port, then wake the waiting thread through `done`. */
export interface RenderRequest {
  spec: VegaLiteSpec;
  done: Int32Array;
}

/** What it answers: a PNG file or what went wrong. */
export type RenderAnswer = { png: Uint8Array } | { error: string };

let renderer: { worker: Worker; port: MessagePortLike } | undefined;

type MessagePortLike = MessageChannel["port1"];

const patience = 30_000;

/**
 * Draws a chart as PNG and waits for it without giving up the thread, so that a cell's output is there before the cell ends. Drawing is
 * asynchronous (vega and the rasterizer load asynchronously), so a worker does it. Only in the built package: under a TypeScript loader the
 * worker would need the waiting thread to load its modules.
 */
export function renderNow(spec: VegaLiteSpec): Uint8Array {
  renderer ??= start();
  const done = new Int32Array(new SharedArrayBuffer(4));
  renderer.port.postMessage({ spec, done } satisfies RenderRequest);
  Atomics.wait(done, 0, 0, patience);
  const answer = receiveMessageOnPort(renderer.port)?.message as RenderAnswer | undefined;
  if (answer && "png" in answer) return answer.png;
  if (!answer) {
    void renderer.worker.terminate();
    renderer = undefined;
  }
  throw new Error(`drawing the chart failed: ${answer?.error ?? `no answer within ${patience / 1000} s`}`);
}

/** A chart as PNG; where that fails, a warning and none: the interactive chart may still do. */
export function picture(spec: VegaLiteSpec): Uint8Array | undefined {
  try {
    return renderNow(spec);
  } catch (error) {
    console.warn((error as Error).message);
    return undefined;
  }
}

function start(): NonNullable<typeof renderer> {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL("./render-worker.js", import.meta.url), {
    workerData: port2,
    transferList: [port2],
  });
  worker.unref();
  port1.unref();
  return { worker, port: port1 };
}
