// Draws charts for a thread that waits: see render-now.ts.
import { type MessagePort, workerData } from "node:worker_threads";
import { toPNG } from "../render/png.js";
import type { RenderAnswer, RenderRequest } from "./render-now.js";

const port = workerData as MessagePort;

port.on("message", async ({ spec, done }: RenderRequest) => {
  let answer: RenderAnswer;
  try {
    answer = { png: await toPNG(spec) };
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage(answer);
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
});
