import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type tsTypes from "typescript";
import * as v from "valibot";
import { onPath } from "../on-path.js";
import type { Zmq } from "./server.js";
import { shareTimers } from "./timers.js";

/** A copy of tslab on this machine. */
export interface Tslab {
  /** Its folder. */
  path: string;
  version: string;
}

const manifestSchema = v.object({ name: v.literal("tslab"), version: v.string() });

/** The copy of tslab in a folder; null where there is none. */
export function tslabAt(path: string): Tslab | null {
  try {
    const manifest = v.parse(manifestSchema, JSON.parse(readFileSync(join(path, "package.json"), "utf8")));
    return { path, version: manifest.version };
  } catch {
    return null; // missing, or of another kind
  }
}

/**
 * The tslab that a notebook in `folder` runs on: of the project's packages, of those beside `beside` (a folder of tangent-lab), or that which is installed for
 * all (`npm i -g tslab`). Null where there is none.
 */
export function findTslab(folder: string, beside: string): Tslab | null {
  for (const path of candidates(folder, beside)) {
    const found = path === null ? null : tslabAt(path);
    if (found) return found;
  }
  return null;
}

function* candidates(folder: string, beside: string): Generator<string | null> {
  for (const from of [folder, beside]) yield packageFrom(from, "tslab");
  yield packageOfProgram("tslab");
  const { execPath, platform } = process;
  const above = platform === "win32" ? dirname(execPath) : join(dirname(execPath), "..", "lib");
  yield join(above, "node_modules", "tslab");
}

/** The folder of the package that a program in `folder` would load; null where there is none. */
export function packageFrom(folder: string, name: string): string | null {
  try {
    return dirname(createRequire(join(folder, "program.js")).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}

/** The package of a program on the PATH. */
function packageOfProgram(name: string): string | null {
  const file = onPath(name);
  if (file === null) return null;
  // npm's program is a link into the package, on Windows a script beside `node_modules`.
  return file.endsWith(".cmd")
    ? join(dirname(file), "node_modules", name)
    : dirname(dirname(realpathSync(file)));
}

/** Compiles and runs cells; tslab's, as far as it is used. */
export interface Executor {
  /** Resolves to false if the cell does not compile or throws. */
  execute(code: string): Promise<boolean>;
  inspect(code: string, position: number): QuickInfo | undefined;
  complete(code: string, position: number): Completion;
  /** Lets the cell that awaits something fail. */
  interrupt(): void;
  close(): void;
}

export type QuickInfo = object;

export interface Completion {
  start: number;
  end: number;
  candidates: string[];
  original?: { entries?: { name: string; kind: string }[] };
}

/** Where the executor puts a cell's last expression (`log`) and what it throws, or what does not compile (`error`). */
export interface Sink {
  log(value: unknown): void;
  error(...args: unknown[]): void;
}

/** The parts of tslab that make up a kernel. */
export interface TslabParts {
  ts: typeof tsTypes;
  zmq: Zmq;
  /** Has the last cell's display function, which tslab's own `display` and our charts call. */
  jupyter: { lastWriteDisplayData: ((content: object, update?: boolean) => void) | null };
  createExecutor(folder: string, sink: Sink): Executor;
  isCompleteCode(code: string): { completed: boolean; indent?: string };
  printQuickInfo(info: QuickInfo): string;
}

/** Loads a copy of tslab. @throws Error for one that is not whole, or does not have these parts: they are not its public interface. */
export function loadTslab({ path, version }: Tslab): TslabParts {
  const require = createRequire(join(path, "package.json"));
  const part = <Part>(name: string, ...members: (keyof Part & string)[]): Part => {
    const use = (why: string): Error =>
      new Error(`tslab ${version} in ${path} cannot be used: ${why}; version 1.0.22 can`);
    let loaded: Part;
    try {
      loaded = require(name) as Part;
    } catch (error) {
      throw use((error as Error).message.split("\n")[0]!);
    }
    const missing = members.find((each) => !(each in (loaded as object)));
    if (missing !== undefined) throw use(`${name} has no ${missing}`);
    return loaded;
  };
  const { createConverter, isCompleteCode } = part<Converters>(
    "./dist/converter.js",
    "createConverter",
    "isCompleteCode",
  );
  const { createExecutor } = part<Executors>("./dist/executor.js", "createExecutor");
  const typescript = part<typeof tsTypes>("@tslab/typescript-for-tslab", "createSourceFile", "sys");
  shareTimers(typescript.sys);
  const { printQuickInfo } = part<Pick<TslabParts, "printQuickInfo">>("./dist/inspect.js", "printQuickInfo");
  return {
    ts: typescript,
    zmq: part<Zmq>("zeromq", "Router", "Reply", "Publisher"),
    jupyter: part<TslabParts["jupyter"]>("./dist/jupyter.js", "lastWriteDisplayData"),
    createExecutor(folder, sink) {
      const node = createConverter({ isJS: false, isBrowser: false });
      // Cells for a browser are of no use here, and are compiled like others.
      return createExecutor(folder, { node, browser: node, close: () => node.close() }, sink);
    },
    isCompleteCode,
    printQuickInfo,
  };
}

interface Converters extends Pick<TslabParts, "isCompleteCode"> {
  createConverter(options: { isJS: boolean; isBrowser: boolean }): { close(): void };
}

interface Executors {
  createExecutor(folder: string, converters: object, sink: Sink): Executor;
}
