import { readdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { parse } from "csv-parse/sync";
import { check, required, TangentLabError } from "../src/errors.js";
import { decodeImage, imageExtensions } from "../src/io/decode-image.js";
import { checkPath, fileSystemError, readBytes } from "../src/io/files.js";
import { type CaptionedDataset, captioned } from "./captioned.js";

export interface CaptionedFolderOptions {
  /** Height and width that every image must have, in pixels. Default those of the first image. */
  size?: number;
}

/** A line of captions.jsonl or metadata.csv. */
interface Entry {
  file: string;
  captions: string[];
  /** Where it stands, for errors: "captions.jsonl, line 3". */
  where: string;
}

const captionFiles = ["captions.jsonl", "metadata.jsonl", "metadata.csv"] as const;

/**
 * Your own images with captions: a folder of square PNG or JPEG files and one of
 * - captions.jsonl (or metadata.jsonl): a line `{"file": "a.png", "caption": "a cat"}` or `"captions": ["a cat", "one cat"]` an image;
 * - metadata.csv with the columns `file_name` and `text`, one image a row.
 *
 * `file_name` and `text` are understood in both. Every image of the folder needs a caption and every caption its file.
 * @throws TangentLabError `file-system` where there is nothing to read, `invalid-data` for images of the wrong size, files without captions,
 * captions without files and blank captions, `corrupt-file` for what is no JSON, CSV or image.
 */
export async function captionedFolder(
  folder: string,
  options: CaptionedFolderOptions = {},
): Promise<CaptionedDataset> {
  checkPath(folder, "folder");
  required("options", options);
  check(
    options.size === undefined ||
      (Number.isInteger(options.size) && options.size >= 4 && options.size <= 256),
    "size",
    options.size,
    "an integer from 4 to 256",
  );
  const files = await readdir(folder).catch((cause: unknown) => {
    throw fileSystemError("read", folder, cause);
  });
  const entries = await readEntries(folder, files);
  const images = new Set(files.filter((file) => imageExtensions.includes(extname(file).toLowerCase())));
  const captionedFiles = new Set(entries.map(({ file }) => file));
  const bare = [...images].find((file) => !captionedFiles.has(file));
  if (bare !== undefined) throw mismatch(folder, `${bare} has no caption`);
  const missing = entries.find(({ file }) => !images.has(file));
  if (missing) throw mismatch(folder, `${missing.where} names ${missing.file}, which is not an image there`);

  let { size } = options;
  const pixels: Uint8Array[] = [];
  for (const { file } of entries) {
    const image = decodeImage(await readBytes(join(folder, file)), join(folder, file));
    size ??= image.width;
    if (image.width !== size || image.height !== size) {
      throw new TangentLabError("invalid-data", `${join(folder, file)} has the wrong size`, {
        argument: "size",
        given: `${image.width} x ${image.height} pixels`,
        allowed: `${size} x ${size} pixels, as ${options.size === undefined ? "the first image" : "asked for"}`,
      });
    }
    pixels.push(image.data);
  }
  return captioned<number>({
    name: basename(folder),
    shape: [size!, size!, 3],
    attributes: {},
    scenes: entries.map((_, i) => i),
    variants: 1,
    describe: (i) => ({ attributes: {}, captions: entries[i]!.captions, heldOut: false }),
    write: (i, _variant, out, offset) => {
      for (const [k, value] of pixels[i]!.entries()) out[offset + k] = value / 127.5 - 1;
    },
  });
}

async function readEntries(folder: string, files: readonly string[]): Promise<Entry[]> {
  const name = captionFiles.find((each) => files.includes(each));
  if (name === undefined) {
    throw new TangentLabError("file-system", `no captions in ${folder}`, {
      argument: "folder",
      given: folder,
      allowed: `a folder of images with ${captionFiles.join(" or ")}`,
    });
  }
  const path = join(folder, name);
  const text = new TextDecoder().decode(await readBytes(path));
  const records = name.endsWith(".csv") ? parseCsv(text, path) : parseLines(text, path);
  if (records.length === 0) throw mismatch(folder, `${name} has no captions`);
  const entries = records.map(({ record, line }) => entryOf(record, `${name}, line ${line}`));
  const named = new Set<string>();
  const twice = entries.find(({ file }) => named.size === named.add(file).size);
  if (twice) throw mismatch(folder, `${twice.where} names ${twice.file} a second time`);
  return entries;
}

type Located = { record: Readonly<Record<string, unknown>>; line: number };

function parseLines(text: string, path: string): Located[] {
  return text.split("\n").flatMap((content, i): Located[] => {
    if (content.trim() === "") return [];
    try {
      return [{ record: JSON.parse(content) as Record<string, unknown>, line: i + 1 }];
    } catch (cause) {
      throw new TangentLabError("corrupt-file", `${path}: line ${i + 1} is not JSON`, {
        argument: "folder",
        cause,
      });
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
    throw new TangentLabError("corrupt-file", `${path} is not CSV: ${(cause as Error).message}`, {
      argument: "folder",
      cause,
    });
  }
}

function entryOf(record: Readonly<Record<string, unknown>> | null, where: string): Entry {
  const file = record?.file ?? record?.file_name;
  const caption = record?.captions ?? record?.caption ?? record?.text;
  const captions = Array.isArray(caption) ? caption : [caption];
  const whole =
    typeof file === "string" &&
    captions.length > 0 &&
    captions.every((each) => typeof each === "string" && each.trim() !== "");
  if (!whole) {
    throw new TangentLabError("invalid-data", `${where} does not caption an image`, {
      argument: "folder",
      given: record,
      allowed: "a file (`file` or `file_name`) and text that is not blank (`caption`, `captions` or `text`)",
    });
  }
  return { file: file as string, captions: captions as string[], where };
}

const mismatch = (folder: string, why: string): TangentLabError =>
  new TangentLabError("invalid-data", `${folder}: ${why}`, {
    argument: "folder",
    given: folder,
    allowed: "as many images as captions, each named once",
  });
