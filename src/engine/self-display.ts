// Datasets and trained models say in a sentence what they are where they are printed, in place of thousands of numbers. In a notebook `tangent-lab/viz` adds a picture.

/** What displays itself. */
export type DisplayKind = "dataset" | "model" | "models" | "study";

/** Shows a picture of a value in the notebook's cell that is being executed, if there is one. Must not throw. */
export type Displayer = (kind: DisplayKind, value: object) => void;

let displayer: Displayer | undefined;

/** Sets what shows pictures; the charts' package does when it is loaded. */
export function displayBy(shows: Displayer): void {
  displayer = shows;
}

/** Node's protocol for printing, by its name because browsers have no node:util. tslab prints a cell's last expression, and so does Deno, which has the same protocol. */
const printing = Symbol.for("nodejs.util.inspect.custom");

/**
 * The same object, that prints as `text` says; at the top level of what is printed its picture is shown, too. Copies and JSON of it do not have this.
 * @param text One or two lines; asked for when it is printed.
 */
export function displayed<T extends object>(value: T, kind: DisplayKind, text: () => string): T {
  const print = (depth: number | null, options: { depth?: number | null }): string => {
    // Within another object there is no place for pictures.
    if (depth === (options?.depth ?? null)) displayer?.(kind, value);
    return text();
  };
  return Object.defineProperty(value, printing, { value: print, configurable: true, writable: true });
}

/** What a value prints, without its picture; undefined for one that does not display itself. */
export function textOf(value: unknown): string | undefined {
  const print = (value as { [printing]?: (depth: number, options: object) => string } | null | undefined)?.[
    printing
  ];
  return print?.(-1, {});
}

/** "6,000 examples [28, 28, 1], 10 classes" of a dataset. */
export function datasetText(data: {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly numClasses?: number | undefined;
}): string {
  const count = Number.isFinite(data.size)
    ? `${data.size.toLocaleString("en-US")} examples`
    : "generated examples";
  const classes = data.numClasses === undefined ? "" : `, ${data.numClasses} classes`;
  return `Dataset ${data.name}: ${count} [${data.shape.join(", ")}]${classes}`;
}

/** The same dataset, that displays itself. */
export const displayedDataset = <T extends Parameters<typeof datasetText>[0]>(data: T): T =>
  displayed(data, "dataset", () => datasetText(data));
