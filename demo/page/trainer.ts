import type { Report, Request } from "../messages.js";
import type { Engine, Settings } from "../settings.js";

/** The worker that trains, as the page sees it. */
export class Trainer {
  private readonly worker: Promise<Worker>;

  /** @param engine which of the two workers: they differ in the runtime that is bundled with them. */
  constructor(engine: Engine, onReport: (report: Report) => void) {
    this.worker = location.protocol === "file:" ? fromDisk() : Promise.resolve(served(engine));
    this.worker.then(
      (worker) => {
        worker.onmessage = ({ data }: MessageEvent<Report>) => onReport(data);
        worker.onerror = (event) =>
          onReport({ kind: "failed", message: event.message || "the worker does not start" });
      },
      (error: Error) => onReport({ kind: "failed", message: error.message }),
    );
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
    // What fails to start has been reported.
    this.worker.then(
      (worker) => worker.postMessage(request),
      () => {},
    );
  }
}

function served(engine: Engine): Worker {
  const file = engine === "webgpu" ? "worker-webgpu.js" : "worker.js";
  return new Worker(new URL(file, document.baseURI), { type: "module", name: engine });
}

/** From disk a browser starts no worker by its address: a script brings the text of one, with WebAssembly alone. */
function fromDisk(): Promise<Worker> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "worker-disk.js";
    script.onload = () => {
      const { workerText } = globalThis as { workerText?: string };
      const address = URL.createObjectURL(new Blob([workerText ?? ""], { type: "text/javascript" }));
      resolve(new Worker(address, { name: "wasm" }));
    };
    script.onerror = () => reject(new Error("this copy of the demo needs a web server: npm run demo"));
    document.head.append(script);
  });
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
