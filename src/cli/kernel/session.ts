import { format, inspect, stripVTControlCharacters } from "node:util";
import { History, type HistoryRequest } from "./history.js";
import { mended } from "./mend.js";
import { placesOf, toCharacters, toIndex } from "./positions.js";
import { resultOf } from "./result.js";
import { failure, type Handler, type Publish } from "./server.js";
import type { Executor, TslabParts } from "./tslab.js";

/** Milliseconds after a cell failed in which those that were sent with it arrive: they are not executed. */
const afterFailure = 30;

/** What a cell left in the executor's sink. */
interface Left {
  /** The last expression, where it is worth showing. */
  value?: unknown;
  errors: unknown[][];
}

/** One run of a kernel: cells share their names, and are executed one after another. */
export class Session {
  readonly #parts: TslabParts;
  readonly #executor: Executor;
  readonly #history = new History();
  #left: Left = { errors: [] };
  /** What was asked for last ends with this. */
  #queue: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #count = 0;
  #problem = "";

  constructor(parts: TslabParts, folder: string) {
    this.#parts = parts;
    this.#executor = parts.createExecutor(folder, {
      log: (value) => {
        this.#left.value = value;
      },
      error: (...args) => this.#left.errors.push(args),
    });
  }

  /**
   * Runs code before the first cell.
   * @param find Gives the code. What it throws, or what is wrong with the code, is printed in the first cell.
   */
  prepare(find: () => Promise<string>): void {
    this.#queue = this.#queue.then(async () => {
      try {
        this.#left = { errors: [] };
        if (await this.#executor.execute(await find())) return;
        this.#problem = this.#left.errors.map((args) => format(...args)).join("\n");
      } catch (error) {
        this.#problem = (error as Error).message;
      }
    });
  }

  /** The stop button. */
  interrupt(): void {
    this.#executor.interrupt();
  }

  close(): void {
    this.#executor.close();
  }

  /** Answers `execute_request`. Cells that were waiting when one failed are not executed. */
  readonly execute: Handler = (request: ExecuteRequest, publish) => {
    const failures = this.#failures;
    const run = this.#queue.then(() =>
      failures === this.#failures
        ? this.#execute(request, publish)
        : { status: "aborted", execution_count: this.#count },
    );
    this.#queue = run.catch(() => {});
    return run;
  };

  async #execute(request: ExecuteRequest, publish: Publish): Promise<object> {
    const { code, silent = false, store_history = !silent, stop_on_error = true } = request;
    if (!silent) this.#count += 1;
    const execution_count = this.#count;
    if (!silent) {
      if (store_history) this.#history.add(execution_count, code);
      publish("execute_input", { code, execution_count });
    }
    this.#showIn(publish);
    if (this.#problem !== "") process.stderr.write(`prelude: ${this.#problem}\n`);
    this.#problem = "";
    this.#left = { errors: [] };
    const done = await this.#executor.execute(mended(this.#parts.ts, code));
    const { value, errors } = this.#left;
    if (done) {
      // Printing a value is a program's own code, which may fail.
      const shown =
        silent || value == null ? null : await resultOf(value).catch((error: unknown) => ({ error }));
      if (shown === null || "data" in shown) {
        if (shown) publish("execute_result", { execution_count, metadata: {}, ...shown });
        return { status: "ok", execution_count, payload: [], user_expressions: {} };
      }
      errors.push([shown.error]);
    }
    const error = errorOf(errors);
    publish("error", error);
    if (stop_on_error) {
      await new Promise((resolve) => setTimeout(resolve, afterFailure));
      this.#failures += 1;
    }
    return { status: "error", execution_count, ...error };
  }

  /** From now on what is printed and displayed belongs to this cell, also what comes later. */
  #showIn(publish: Publish): void {
    for (const name of ["stdout", "stderr"] as const) {
      const decoder = new TextDecoder();
      process[name].write = ((data: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
        const text = typeof data === "string" ? data : decoder.decode(data, { stream: true });
        if (text !== "") publish("stream", { name, text });
        const written = [encoding, callback].find((each) => typeof each === "function");
        if (written) process.nextTick(written as () => void);
        return true;
      }) as typeof process.stdout.write;
    }
    this.#parts.jupyter.lastWriteDisplayData = (content, update) =>
      publish(update ? "update_display_data" : "display_data", content);
  }

  /** Answers `complete_request`. */
  readonly complete: Handler = ({ code, cursor_pos }: PositionRequest) => {
    const { start, end, candidates, original } = this.#executor.complete(code, toIndex(code, cursor_pos));
    const kinds = new Map(original?.entries?.map(({ name, kind }) => [name, kind]));
    const [cursor_start, cursor_end] = [start, end].map((index) => toCharacters(code, index));
    const types = candidates.map((text) => ({
      text,
      type: kinds.get(text) ?? "",
      start: cursor_start,
      end: cursor_end,
    }));
    // JupyterLab shows the kinds.
    const metadata = { _jupyter_types_experimental: types };
    return { status: "ok", matches: candidates, cursor_start, cursor_end, metadata };
  };

  /** Answers `inspect_request` (Shift-Tab): the type and docstring of the name at the cursor, else of the function whose call the cursor is in. */
  readonly inspect: Handler = ({ code, cursor_pos }: PositionRequest) => {
    for (const place of placesOf(code, toIndex(code, cursor_pos))) {
      const info = this.#executor.inspect(code, place);
      const text = info ? this.#parts.printQuickInfo(info) : "";
      if (text !== "") return { status: "ok", found: true, data: { "text/plain": text }, metadata: {} };
    }
    return { status: "ok", found: false, data: {}, metadata: {} };
  };

  /** Answers `is_complete_request`, by which a console decides whether Enter executes. */
  readonly isComplete: Handler = ({ code }: { code: string }) => {
    const { completed, indent = "" } = this.#parts.isCompleteCode(code);
    return completed ? { status: "complete" } : { status: "incomplete", indent };
  };

  /** Answers `history_request`. */
  readonly history: Handler = (request: HistoryRequest) => ({
    status: "ok",
    history: this.#history.find(request),
  });
}

interface ExecuteRequest {
  code: string;
  silent?: boolean;
  store_history?: boolean;
  stop_on_error?: boolean;
}

interface PositionRequest {
  code: string;
  cursor_pos: number;
}

/** What went wrong in a cell, as `error` messages have it: one value that was thrown, or lines of the compiler. */
function errorOf(errors: readonly unknown[][]): { ename: string; evalue: string; traceback: string[] } {
  const [first = ["the cell failed"]] = errors;
  if (first.length > 1) {
    const lines = errors.map((args) => format(...args));
    return { ename: "CompileError", evalue: lines[0]!, traceback: lines };
  }
  const [thrown] = first;
  if (isInterrupt(thrown))
    return {
      ename: "Interrupted",
      evalue: "the cell was stopped",
      traceback: ["Interrupted: the cell was stopped"],
    };
  const { ename, evalue } = failure(thrown) as { ename: string; evalue: string };
  return { ename, evalue, traceback: inspect(thrown, { colors: true }).split("\n").flatMap(ofCell) };
}

/** How tslab ends a cell that is stopped: one that computes, and one that waits. */
const isInterrupt = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  ((thrown as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_INTERRUPTED" ||
    thrown.message === "Interrupted asynchronously");

/** A line of a stack trace, without frames of the kernel: they say nothing of the cell. The last frame may open the braces of an error's properties. */
function ofCell(line: string): string[] {
  const frame = /^\s+at .*(tslab[\\/]dist[\\/]|src[\\/]cli[\\/]kernel[\\/]|node:vm|node:internal)/;
  if (!frame.test(stripVTControlCharacters(line))) return [line];
  return line.endsWith("{") ? ["{"] : [];
}
