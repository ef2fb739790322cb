import { join } from "node:path";
import { check } from "../../src/errors.js";
import { type Classes, checkClassCount, classesOf, type Label } from "../classes.js";
import { type FileState, stateOf } from "../file-states.js";
import { openParquet, type ParquetColumn, type ParquetFile } from "./parquet-file.js";
import { shardsOf } from "./shards.js";
import {
  brief,
  listed,
  type PictureSource,
  type SourceOptions,
  type StoredPicture,
  unfit,
} from "./source.js";

/** Names under which columns are looked up, in this order, where nothing else says what they are. */
const imageNames = ["image", "img", "picture", "jpg", "png", "webp"];
const labelNames = ["label", "labels", "fine_label", "class", "cls", "y"];
const captionNames = ["text", "caption", "captions", "prompt", "sentences", "txt"];

/** The columns that are read, and what the file's metadata say of them. */
interface Chosen {
  image: string;
  label?: string;
  caption?: string;
  classNames?: readonly string[];
}

/** Pictures in Parquet files, as data hubs store them: a column of bytes, or of structs with a field `bytes`; labels, captions. */
export async function parquetSource(
  path: string | readonly string[],
  options: SourceOptions = {},
): Promise<PictureSource> {
  const { name, root, files } = await shardsOf(path, ".parquet", options.split);
  let chosen: Chosen | undefined;
  let first: readonly ParquetColumn[] | undefined;
  let count = 0;
  const labels: unknown[] = [];
  const captions: string[][] = [];
  for (const file of files) {
    const where = join(root, file);
    const parquet = await openParquet(where, options.maxBytes);
    try {
      chosen ??= choose(where, parquet, options);
      first ??= parquet.columns;
      checkColumns(where, parquet, chosen, first);
      for (const range of parquet.ranges) {
        options.signal?.throwIfAborted();
        if (chosen.label !== undefined) append(labels, await parquet.read(chosen.label, range));
        if (chosen.caption !== undefined) {
          const texts = Array.from(await parquet.read(chosen.caption, range));
          for (const [i, text] of texts.entries()) captions.push(captionsOf(text, where, range.begin + i));
        }
      }
      count += parquet.rows;
    } finally {
      await parquet.close();
    }
  }
  if (count === 0) throw unfit(join(root, files[0]!), "it has no rows", "files with pictures");
  const { image, label, caption, classNames } = chosen!;
  return {
    name,
    id: [root, files, image],
    root,
    files,
    count,
    ...(label !== undefined && classes(join(root, files[0]!), label, labels, classNames)),
    ...(caption !== undefined && { captions }),
    pictures: (states, signal) =>
      pictures({ root, files, image, maxBytes: options.maxBytes }, states, signal),
  };
}

function append(list: unknown[], values: ArrayLike<unknown>): void {
  for (let i = 0; i < values.length; i++) list.push(values[i]);
}

async function* pictures(
  {
    root,
    files,
    image,
    maxBytes,
  }: { root: string; files: readonly string[]; image: string; maxBytes: number | undefined },
  states: FileState[],
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredPicture> {
  for (const file of files) {
    states.push(await stateOf(root, file, signal));
    const path = join(root, file);
    const parquet = await openParquet(path, maxBytes);
    try {
      for (const range of parquet.ranges) {
        const values = await parquet.read(image, range);
        for (let i = 0; i < values.length; i++) {
          const where = `${path}, row ${range.begin + i}`;
          yield { where, bytes: bytesOf(values[i], where, image) };
        }
      }
    } finally {
      await parquet.close();
    }
  }
}

function bytesOf(value: unknown, where: string, column: string): Uint8Array {
  const bytes = value instanceof Uint8Array ? value : (value as { bytes?: unknown } | null)?.bytes;
  if (bytes instanceof Uint8Array) return bytes;
  const { path } = (value ?? {}) as { path?: unknown };
  const why =
    typeof path === "string" ? `only the path ${brief(path)}, not the picture itself` : "no picture";
  throw unfit(where, `column ${column} has ${why}`, "the bytes of a picture in each row");
}

/** @throws TangentLabError `invalid-data` for a shard with other columns than the first, or names as labels where that has numbers. */
function checkColumns(
  path: string,
  { columns }: ParquetFile,
  { image, label, caption }: Chosen,
  first: readonly ParquetColumn[],
): void {
  for (const name of [image, label, caption])
    if (name !== undefined && !columns.some((column) => column.name === name))
      throw unfit(
        path,
        `it has no column ${name}, which the first shard has`,
        `one of its columns: ${namesOf(columns)}`,
      );
  const kindIn = (shard: readonly ParquetColumn[]): string =>
    shard.find(({ name }) => name === label)?.isText ? "text" : "numbers";
  if (kindIn(columns) !== kindIn(first))
    throw unfit(
      path,
      `its column ${label} is of ${kindIn(columns)}`,
      `${kindIn(first)}, as in the first shard`,
    );
}

const namesOf = (columns: readonly ParquetColumn[]): string =>
  listed(
    columns.map(({ name }) => name),
    20,
  );

function choose(path: string, file: ParquetFile, options: SourceOptions): Chosen {
  const { columns } = file;
  const features = featuresOf(file);
  const holds = ({ fields, isBytes }: ParquetColumn): boolean => isBytes || fields.includes("bytes");
  const asked = (argument: string, name: string): ParquetColumn => {
    const column = columns.find((each) => each.name === name);
    check(column !== undefined, argument, name, `a column of ${path}: ${namesOf(columns)}`);
    return column;
  };
  const find = (names: readonly string[], fits: (column: ParquetColumn) => boolean): string | undefined =>
    names.find((name) => columns.some((column) => column.name === name && fits(column)));
  if (options.image !== undefined) {
    const isPicture = holds(asked("image", options.image));
    check(
      isPicture,
      "image",
      options.image,
      `a column of bytes, or of structs with a field bytes, in ${path}`,
    );
  }
  const typed = columns.filter((column) => holds(column) && features.get(column.name)?._type === "Image");
  const held = columns.filter(holds);
  const image = options.image ?? typed[0]?.name ?? find(imageNames, holds) ?? held[0]?.name;
  if (image === undefined)
    throw unfit(
      path,
      "it has no column of pictures",
      "a column of bytes, or of structs with a field bytes",
      namesOf(columns),
    );
  if (
    options.image === undefined &&
    typed.length === 0 &&
    held.length > 1 &&
    find(imageNames, holds) === undefined
  )
    check(false, "image", undefined, `which column of ${path} has the pictures: ${namesOf(held)}`);
  if (options.captioned) {
    if (options.caption !== undefined) {
      asked("caption", options.caption);
      check(options.caption !== image, "caption", image, `another column of ${path}: it has the pictures`);
    }
    const caption = options.caption ?? find(captionNames, ({ isText, isList }) => isText || isList);
    check(
      caption !== undefined,
      "caption",
      undefined,
      `the column of ${path} that has the captions: ${namesOf(columns)}`,
    );
    return { image, caption };
  }
  if (options.label === false) return { image };
  if (options.label !== undefined) asked("label", options.label);
  const isLabel = ({ isBytes, isList, fields }: ParquetColumn): boolean =>
    !isBytes && !isList && fields.length === 0;
  const classed = columns.filter(({ name }) => features.get(name)?._type === "ClassLabel");
  const label =
    options.label ?? find(labelNames, isLabel) ?? (classed.length === 1 ? classed[0]!.name : undefined);
  if (label === undefined) return { image };
  const { names } = features.get(label) ?? {};
  return { image, label, ...(names && { classNames: names }) };
}

interface Feature {
  _type?: unknown;
  names?: readonly string[];
}

/** What `datasets` (the Python library) wrote of each column: {"info": {"features": {"label": {"_type": "ClassLabel", "names": [...]}}}}. */
function featuresOf({ metadata }: ParquetFile): Map<string, Feature> {
  const known = new Map<string, Feature>();
  let features: unknown;
  try {
    features = (JSON.parse(metadata.get("huggingface") ?? "{}") as { info?: { features?: unknown } } | null)
      ?.info?.features;
  } catch {
    return known; // it helps where it can be read
  }
  if (typeof features !== "object" || features === null) return known;
  for (const [name, feature] of Object.entries(features)) {
    const { _type, names } = (feature ?? {}) as { _type?: unknown; names?: unknown };
    const isList = Array.isArray(names) && names.every((each) => typeof each === "string");
    known.set(name, { _type, ...(isList && { names: names as string[] }) });
  }
  return known;
}

function classes(
  path: string,
  column: string,
  values: readonly unknown[],
  classNames?: readonly string[],
): Classes {
  const missing = values.findIndex((value) => value == null || Number(value) === -1);
  if (missing >= 0)
    throw unfit(
      path,
      `row ${missing} has no label in column ${column}`,
      "a label in each row, or label: false to leave them out",
    );
  if (classNames === undefined) return classesOf(values as Label[], values.length);
  checkClassCount(classNames.length, "label");
  const labels = Int32Array.from(values as number[], Number);
  const wrong = labels.findIndex(
    (label, i) => label !== Number(values[i]) || label < 0 || label >= classNames.length,
  );
  if (wrong >= 0)
    throw unfit(
      path,
      `row ${wrong} has the label ${String(values[wrong]).slice(0, 40)}`,
      `0 to ${classNames.length - 1}, the classes that its metadata name`,
    );
  return { labels, numClasses: classNames.length, classNames: [...classNames] };
}

function captionsOf(value: unknown, path: string, row: number): string[] {
  const list = Array.isArray(value) ? value : [value];
  const texts = list.map((text: unknown) =>
    text instanceof Uint8Array ? new TextDecoder().decode(text) : text,
  );
  if (
    texts.length > 0 &&
    texts.every((text): text is string => typeof text === "string" && text.trim() !== "")
  )
    return texts;
  throw unfit(path, `row ${row} has no caption`, "text that is not blank in each row, or a list of texts");
}
