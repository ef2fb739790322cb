// Notebooks as files: what is in one, checked before it is believed.
import * as v from "valibot";
import { TangentLabError } from "../src/errors.js";
import { readBytes } from "../src/io/files.js";
import { parseJson } from "../src/io/json.js";
import { vegaLiteMime } from "../viz/display/bundle.js";

const textSchema = v.union([v.string(), v.array(v.string())]);

const outputSchema = v.object({
  output_type: v.string(),
  /** Of a stream. */
  text: v.optional(textSchema),
  /** Of an error. */
  ename: v.optional(v.string()),
  evalue: v.optional(v.string()),
  /** Of anything else: MIME type -> content. */
  data: v.optional(
    v.looseObject({
      "text/plain": v.optional(textSchema),
      "image/png": v.optional(textSchema),
      [vegaLiteMime]: v.optional(v.looseObject({})),
    }),
  ),
});

const cellSchema = v.object({
  cell_type: v.picklist(["markdown", "code", "raw"]),
  source: textSchema,
  outputs: v.optional(v.array(outputSchema)),
});

const notebookSchema = v.object({
  nbformat: v.literal(4, "Only notebooks of format 4 are read"),
  cells: v.array(cellSchema),
});

type Text = v.InferOutput<typeof textSchema>;
export type Output = v.InferOutput<typeof outputSchema>;
export type Cell = v.InferOutput<typeof cellSchema>;

/** The most bytes of a notebook. */
const longest = 64 * 2 ** 20;

/** Text that may be in lines, with the ends of lines in them. */
export const joined = (text: Text): string => (typeof text === "string" ? text : text.join(""));

/**
 * The cells of a notebook of format 4.
 * @throws TangentLabError `file-system`; `corrupt-file` for one that is no notebook, of another format or larger than 64 MiB.
 */
export async function readNotebook(path: string): Promise<Cell[]> {
  const corrupt = (why: string, cause?: unknown): TangentLabError =>
    new TangentLabError("corrupt-file", why, { argument: "path", given: path, cause });
  const bytes = await readBytes(path);
  if (bytes.length > longest) throw corrupt(`${path} is larger than ${longest} bytes`);
  return parseJson(new TextDecoder().decode(bytes), notebookSchema, path, corrupt).cells;
}
