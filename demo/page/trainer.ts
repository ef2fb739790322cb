import type { Report, Request } from "../messages.js";
import type { Engine, Settings } from "../settings.js";

/** The worker that trains, as the page sees it. */
export class Trainer {
  private readonly worker: Worker;

  /** @param engine which of the two workers: they differ in the runtime that is bundled with them. */
  constructor(engine: Engine, onReport: (report: Report) => void) {
    const file = engine === "webgpu" ? "./worker-webgpu.js" : "./worker.js";
    this.worker = new Worker(new URL(file, import.meta.url), { type: "module", name: engine });
    this.worker.onmessage = ({ data }: MessageEvent<Report>) => onReport(data);
    this.worker.onerror = (event) =>
      onReport({ kind: "failed", message: event.message || "the worker does not start" });
  }

  prepare({ shape, strokes, seed, ...settings }: Settings): void {
    this.send({ kind: "prepare", shape, strokes, seed, dials: dials(settings) });
  }

  adjust(settings: Settings): void {
    this.send({ kind: "dials", dials: dials(settings) });
  }

  run(running: boolean): void {
    this.send({ kind: "run", running });
  }

  step(): void {
    this.send({ kind: "step" });
  }

  reset(): void {
    this.send({ kind: "reset" });
  }

  private send(request: Request): void {
    this.worker.postMessage(request);
  }
}

const dials = ({
  batchSize,
  learningRate,
  speed,
}: Pick<Settings, "batchSize" | "learningRate" | "speed">) => ({
  batchSize,
  learningRate,
  speed,
});
