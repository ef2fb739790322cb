import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { versions } from "../../experiments/provenance.js";
import { type Connection, serve } from "./server.js";
import { Session } from "./session.js";
import { findTslab, loadTslab, packageFrom, type TslabParts } from "./tslab.js";
import { protocol } from "./wire.js";

/** How a kernel is started. */
export interface KernelOptions {
  /** The file by which Jupyter says where to listen. */
  connectionFile: string;
  /** The folder of the tangent-lab that the kernel is of. */
  from: string;
  /** Have tangent-lab's namespaces, and `viz`, in scope without imports. */
  prelude: boolean;
}

/** Runs a kernel in this process, in the working folder, until it is shut down. Throws where there is no tslab. */
export async function startKernel({ connectionFile, from, prelude }: KernelOptions): Promise<void> {
  const folder = process.cwd();
  const tslab = findTslab(folder, from);
  if (!tslab) throw new Error(`tslab was found neither for ${folder} nor beside ${from}: npm install tslab`);
  const parts = loadTslab(tslab);
  const connection = JSON.parse(readFileSync(connectionFile, "utf8")) as Connection;
  // What Jupyter's log is told, before and after cells take over what is printed.
  const write = process.stderr.write.bind(process.stderr);
  const log = (line: string): void => void write(`tangent-lab kernel: ${line}\n`);
  const session = new Session(parts, folder);
  const end = (): never => {
    session.close();
    process.exit(0);
  };
  process.on("SIGINT", () => session.interrupt());
  process.on("uncaughtException", (error) => console.error("uncaught exception:", error));
  process.on("unhandledRejection", (reason) => console.error("unhandled rejection:", reason));
  endWithParent(end);
  const handlers = {
    kernel_info: () => kernelInfo(parts),
    execute: session.execute,
    complete: session.complete,
    inspect: session.inspect,
    is_complete: session.isComplete,
    history: session.history,
    comm_info: () => ({ status: "ok", comms: {} }),
    // As a signal would: a training that runs has put a listener of its own there.
    interrupt: () => {
      process.emit("SIGINT");
      return { status: "ok" };
    },
    shutdown: ({ restart = false }: { restart?: boolean }) => ({ status: "ok", restart }),
  };
  await serve(connection, parts.zmq, handlers, { log, ended: end });
  if (prelude) session.prepare(() => preludeIn(folder));
}

function kernelInfo({ ts }: TslabParts): object {
  const version = versions()["tangent-lab"]!;
  return {
    status: "ok",
    protocol_version: protocol,
    implementation: "tangent-lab",
    implementation_version: version,
    language_info: {
      name: "typescript",
      version: ts.version,
      mimetype: "text/typescript",
      file_extension: ".ts",
      // JupyterLab takes the mode, the classic notebook the rest.
      codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
    },
    banner: `tangent-lab ${version}, TypeScript ${ts.version}, Node ${process.versions.node}`,
    help_links: [],
  };
}

/** Milliseconds in which a new kernel answers who it is: loading the packages for the prelude takes seconds. */
const introduction = 250;

/** Code that brings all that tangent-lab exports into scope. Throws if the project does not have it. */
async function preludeIn(folder: string): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, introduction));
  if (packageFrom(folder, "tangent-lab") === null)
    throw new Error(`tangent-lab is not among the packages of ${folder}: npm install tangent-lab`);
  const names = Object.keys(createRequire(join(folder, "program.js"))("tangent-lab"));
  return `import { ${names.join(", ")} } from "tangent-lab";\nimport * as viz from "tangent-lab/viz";`;
}

/** Milliseconds between looks at whether Jupyter is still there. */
const interval = 1000;

/** Ends this process when that which started it is gone, so that no kernel trains for nobody. */
function endWithParent(end: () => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end();
  }, interval).unref();
}
