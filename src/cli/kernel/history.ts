/** A request for what was entered before; Jupyter's `history_request`. */
export interface HistoryRequest {
  output?: boolean;
  hist_access_type?: "range" | "tail" | "search";
  /** Of a range: lines from `start` to before `stop`. */
  start?: number;
  stop?: number;
  /** The most entries; of the last ones. */
  n?: number;
  /** Of a search, with `*` and `?`. */
  pattern?: string;
  unique?: boolean;
}

/** The cells that were executed, as long as the kernel runs. */
export class History {
  readonly #lines: { line: number; source: string }[] = [];

  add(line: number, source: string): void {
    this.#lines.push({ line, source });
  }

  /** Entries [session, line, source], oldest first, as Jupyter's `history_reply` has them. There is one session, number 0. */
  find(request: HistoryRequest): (number | string | [string, null])[][] {
    const { output = false, hist_access_type: type = "tail", start = 0, stop, n, pattern = "*" } = request;
    let found = this.#lines;
    if (type === "range") found = found.filter(({ line }) => line >= start && (stop == null || line < stop));
    if (type === "search") {
      const fits = glob(pattern);
      found = found.filter(({ source }) => fits.test(source));
      // Of equal ones the last.
      if (request.unique) {
        const last = new Map(found.map((entry) => [entry.source, entry]));
        found = found.filter((entry) => last.get(entry.source) === entry);
      }
    }
    if (type !== "range" && typeof n === "number") found = n > 0 ? found.slice(-n) : [];
    return found.map(({ line, source }) => [0, line, output ? [source, null] : source]);
  }
}

/** What `*` and `?` stand for, in a whole text. */
function glob(pattern: string): RegExp {
  const literal = pattern.replaceAll(/[\\^$.+()|[\]{}]/g, "\\$&");
  return new RegExp(`^${literal.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}
