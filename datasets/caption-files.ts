import { basename, join } from "node:path";
import { parse } from "csv-parse/sync";
import { array, custom, nullish, object, pipe, safeParse, string, transform, union } from "valibot";
import { check, TangentLabError } from "../src/errors.js";
import { readBytes } from "../src/io/files.js";
import { foreignContent } from "../src/io/foreign.js";

/** What a line of captions.jsonl or metadata.csv says. */
export interface CaptionEntry {
  file: string;
  captions: string[];
  /** Where it stands, for errors: "captions.jsonl, line 3". */
  where: string;
}

export const captionFiles = ["captions.jsonl", "metadata.jsonl", "metadata.csv"] as const;

/**
 * The entries of a file of captions.
 * @param name one of `captionFiles`, in `folder`.
 * @param encoding of the text, as TextDecoder calls it; undefined: UTF-8, or UTF-16 with a mark at its beginning.
 * @throws TangentLabError `corrupt-file` for a file that is neither JSON nor CSV or not in this encoding, `invalid-data` for a line without a caption.
 */
export async function readCaptions(
  folder: string,
  name: string,
  encoding: string | undefined,
): Promise<CaptionEntry[]> {
  const path = join(folder, name);
  return captionsOf(await readBytes(path), path, encoding);
}

/** The same of a file's bytes. @param path for errors; its ending says what it is. */
export function captionsOf(bytes: Uint8Array, path: string, encoding: string | undefined): CaptionEntry[] {
  const text = decodeText(bytes, path, encoding);
  const records = path.endsWith(".csv") ? parseCsv(text, path) : parseLines(text, path);
  return records.map(({ record, line }) => entryOf(record, `${basename(path)}, line ${line}`));
}

const corrupt = (message: string, cause?: unknown): TangentLabError =>
  new TangentLabError("corrupt-file", message, { argument: "folder", cause });

/** @throws TangentLabError `invalid-argument` for an encoding that is not known, `corrupt-file` with the line that is not in it. */
function decodeText(bytes: Uint8Array, path: string, encoding: string | undefined): string {
  const foreign = bytes.length > 0 ? foreignContent(bytes) : undefined;
  if (foreign !== undefined) throw corrupt(`${path} has no captions: ${foreign}`);
  const decode = decoder(encoding ?? markedEncoding(bytes) ?? "utf-8");
  const text = decode(bytes);
  if (text !== undefined) {
    const zero = text.indexOf("\0");
    if (zero < 0) return text;
    const line = text.slice(0, zero).split("\n").length;
    throw corrupt(
      `${path}: line ${line} has a byte 0, as UTF-16 has: save it as UTF-8, or give its encoding ("utf-16le")`,
    );
  }
  // Lines are looked at only now: nearly all files are UTF-8.
  let [start, line] = [0, 1];
  for (let end = bytes.indexOf(10); end >= 0 && decode(bytes.subarray(start, end)) !== undefined; line++) {
    start = end + 1;
    end = bytes.indexOf(10, start);
  }
  throw corrupt(
    `${path}: line ${line} is not ${encoding ?? "UTF-8"}: save it as UTF-8, or give its encoding, such as "windows-1252" (Latin-1)`,
  );
}

/** The encoding that a byte order mark gives. */
function markedEncoding([first, second]: Uint8Array): string | undefined {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return undefined;
}

function decoder(encoding: string): (bytes: Uint8Array) => string | undefined {
  const known = ((): InstanceType<typeof TextDecoder> | undefined => {
    try {
      return new TextDecoder(encoding, { fatal: true });
    } catch {
      return undefined;
    }
  })();
  check(known !== undefined, "encoding", encoding, 'the name of an encoding, as "utf-8" or "windows-1252"');
  return (bytes) => {
    try {
      return known.decode(bytes);
    } catch {
      return undefined;
    }
  };
}

type Located = { record: unknown; line: number };

function parseLines(text: string, path: string): Located[] {
  return text.split("\n").flatMap((content, i): Located[] => {
    if (content.trim() === "") return [];
    try {
      return [{ record: JSON.parse(content) as unknown, line: i + 1 }];
    } catch (cause) {
      throw corrupt(`${path}: line ${i + 1} is not JSON`, cause);
    }
  });
}

function parseCsv(text: string, path: string): Located[] {
  try {
    const rows = parse(text, { columns: true, bom: true, skip_empty_lines: true, info: true }) as {
      record: Record<string, string>;
      info: { lines: number };
    }[];
    return rows.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (cause) {
    throw corrupt(`${path} is not CSV: ${(cause as Error).message.slice(0, 200)}`, cause);
  }
}

const text = pipe(
  string(),
  custom<string>((value) => typeof value === "string" && value.trim() !== ""),
);
/** One caption, or a list of them. */
const captions = pipe(
  union([text, array(text)]),
  transform((value) => (typeof value === "string" ? [value] : value)),
);

const line = object({
  file: nullish(text),
  file_name: nullish(text),
  caption: nullish(captions),
  captions: nullish(captions),
  text: nullish(captions),
});

function entryOf(record: unknown, where: string): CaptionEntry {
  const parsed = safeParse(line, record);
  const known = parsed.success ? parsed.output : {};
  const file = known.file ?? known.file_name;
  const found = known.captions ?? known.caption ?? known.text;
  if (file == null || found == null || found.length === 0) {
    throw new TangentLabError("invalid-data", `${where} does not caption an image`, {
      argument: "folder",
      given: record,
      allowed: "a file (`file` or `file_name`) and text that is not blank (`caption`, `captions` or `text`)",
    });
  }
  return { file, captions: found, where };
}
