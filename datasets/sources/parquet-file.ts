import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadata,
  parquetScan,
  parquetSchema,
  type RowGroup,
  type SchemaTree,
} from "hyparquet";
import { getTreePath } from "hyparquet/src/schema.js";
import { TangentLabError } from "../../src/errors.js";
import { openFile } from "../../src/io/files.js";
import { foreignContent } from "../../src/io/foreign.js";
import { byteLimit, checkDeclared } from "../../src/io/limits.js";
import { loadCodecs } from "./parquet-codecs.js";
import { type Budget, checkPages, count } from "./parquet-pages.js";
import { endOfStruct } from "./thrift.js";

/** A column, as a file's schema has it. */
export interface ParquetColumn {
  name: string;
  /** Names of the fields of a struct. */
  fields: readonly string[];
  /** Whether it holds bytes that are no text. */
  isBytes: boolean;
  isText: boolean;
  isList: boolean;
}

/** A Parquet file (https://parquet.apache.org/docs/file-format), of which columns are read in ranges of rows. */
export interface ParquetFile {
  rows: number;
  columns: readonly ParquetColumn[];
  /** What was written into the file beside its data, by its key. */
  metadata: ReadonlyMap<string, string>;
  /** Ranges of rows that are read at a time, in order. */
  ranges: readonly { begin: number; end: number }[];
  /**
   * A column's values in such a range. The pages of a row group's column are looked through once, when it is first read.
   * @throws TangentLabError `corrupt-file`, `invalid-data` for pages beyond `maxBytes`, `file-system`.
   */
  read(column: string, range: { begin: number; end: number }): Promise<ArrayLike<unknown>>;
  close(): Promise<void>;
}

/** Rows that are read at a time where the file says where they are; else a row group is read as a whole. */
const rowsAtOnce = 2048;

/**
 * Opens a Parquet file and reads what it says of itself.
 * @throws TangentLabError `corrupt-file` naming the file, `file-system` if it cannot be read.
 */
export async function openParquet(path: string, maxBytes: number | undefined): Promise<ParquetFile> {
  const codecs = await loadCodecs();
  const file = await openFile(path);
  const limit = byteLimit({ ...(maxBytes !== undefined && { maxBytes }) }, file.size);
  const corrupt = (why: string, cause?: unknown): TangentLabError =>
    new TangentLabError("corrupt-file", `${path} is no complete Parquet file: ${why.slice(0, 200)}`, {
      argument: "path",
      cause,
    });
  /** The library throws errors of all kinds for files that are damaged. */
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof TangentLabError) throw cause;
      throw corrupt(cause instanceof Error ? cause.message : String(cause), cause);
    }
  };
  const read = async (begin: number, end = file.size): Promise<Uint8Array<ArrayBuffer>> => {
    if (!(begin >= 0 && begin <= end && end <= file.size))
      throw corrupt(`it has data from byte ${begin} to ${end}, of ${file.size}`);
    return file.read(begin, end);
  };
  const buffer: AsyncBuffer = {
    byteLength: file.size,
    slice: async (begin, end) => (await read(begin, end)).buffer,
  };
  let spent = 0;
  const budget: Budget = {
    read,
    spend: (what, bytes) => {
      spent += bytes;
      checkDeclared(path, what, spent, limit);
    },
    codecs,
  };
  try {
    await checkEnds(file, corrupt);
    const metadata = await guarded(() => readMetadata(read, file.size));
    // Before anything is made for each of them: a row has a byte at least, its picture.
    for (const { num_rows: rows } of [metadata, ...metadata.row_groups])
      checkDeclared(path, `${rows} rows`, await guarded(async () => count("rows", rows)), limit);
    const root = await guarded(async () => parquetSchema(metadata));
    const known = await guarded(async () => ({
      columns: root.children.map(columnOf),
      ranges: rangesOf(metadata),
    }));
    const rows = known.ranges.at(-1)?.end ?? 0;
    if (rows !== Number(metadata.num_rows))
      throw corrupt(`it has ${rows} rows where it declares ${metadata.num_rows}`);
    const scan = await guarded(() =>
      parquetScan({ file: buffer, metadata, compressors: budget.codecs, utf8: false }),
    );
    /** What was looked through, by column and the first row of the group. */
    const checked = new Set<string>();
    const check = async (column: string, begin: number): Promise<void> => {
      const { group, first } = groupOf(metadata, begin);
      const key = `${first} ${column}`;
      if (checked.has(key)) return;
      await checkColumn(group, column, root, budget);
      checked.add(key);
    };
    return {
      rows,
      ...known,
      metadata: new Map((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ""])),
      read: (column, { begin, end }) =>
        guarded(async () => {
          await check(column, begin);
          const values: ArrayLike<unknown> = await scan.readColumn({ column, rowStart: begin, rowEnd: end });
          if (values.length !== end - begin)
            throw corrupt(`column ${column} has ${values.length} values for ${end - begin} rows`);
          return values;
        }),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Both ends of a file are "PAR1". */
async function checkEnds(
  file: Awaited<ReturnType<typeof openFile>>,
  corrupt: (why: string) => TangentLabError,
): Promise<void> {
  const text = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);
  const head = await file.read(0, Math.min(512, file.size));
  if (text(head.subarray(0, 4)) !== "PAR1") throw corrupt(foreignContent(head) ?? "it does not begin as one");
  const tail = await file.read(Math.max(0, file.size - 4), file.size);
  if (file.size < 12 || text(tail) !== "PAR1") throw corrupt("its end is missing, as after half a download");
}

/** What a file says of itself stands at its end, before the length of it and "PAR1". */
async function readMetadata(read: Budget["read"], size: number): Promise<FileMetaData> {
  const tail = await read(size - 8, size);
  const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  const bytes = await read(size - 8 - length, size);
  endOfStruct(new DataView(bytes.buffer, bytes.byteOffset, length), 0);
  // Columns that the metadata call maps stay bytes.
  const metadata = parquetMetadata(bytes, { geoparquet: false });
  if (metadata.schema.some(({ name }) => typeof name !== "string")) throw new Error("a column has no name");
  return metadata;
}

/** The row group in which a row is, and its first row. */
function groupOf(metadata: FileMetaData, row: number): { group: RowGroup; first: number } {
  let first = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    if (row < first + rows) return { group, first };
    first += rows;
  }
  throw new Error(`it has no row ${row}`);
}

/** Kinds of values that are whole trees, of which nothing here is made. */
const trees = ["VARIANT", "GEOMETRY", "GEOGRAPHY"];

/** Looks through the pages of a column, all fields of it, before they are decoded. */
async function checkColumn(group: RowGroup, column: string, root: SchemaTree, budget: Budget): Promise<void> {
  for (const { meta_data: meta, offset_index_offset: offset, offset_index_length: length } of group.columns) {
    if (meta?.path_in_schema[0] !== column) continue;
    const schemaPath = getTreePath(root, meta.path_in_schema);
    const tree = schemaPath.find(({ element }) => trees.includes(element.logical_type?.type ?? ""));
    if (tree) throw new Error(`column ${column} has values of the kind ${tree.element.logical_type!.type}`);
    const begin = count("bytes before an index", offset ?? 0);
    const index = begin > 0 && length ? { begin, end: begin + count("bytes", length) } : undefined;
    await checkPages({ meta, schemaPath, rows: Number(group.num_rows), index }, budget);
  }
}

function columnOf({ element, children }: ReturnType<typeof parquetSchema>): ParquetColumn {
  const { converted_type: kind, logical_type: logical } = element;
  const isText = kind === "UTF8" || logical?.type === "STRING" || kind === "ENUM";
  const isList = kind === "LIST" || logical?.type === "LIST" || element.repetition_type === "REPEATED";
  return {
    name: element.name,
    fields: isList ? [] : children.map((child) => child.element.name),
    isBytes: element.type === "BYTE_ARRAY" && kind === undefined && logical === undefined,
    isText,
    isList,
  };
}

function rangesOf(metadata: FileMetaData): { begin: number; end: number }[] {
  const ranges: { begin: number; end: number }[] = [];
  let begin = 0;
  for (const { num_rows: rows, columns } of metadata.row_groups) {
    const last = begin + Number(rows);
    const step = columns.every(({ offset_index_offset: offset }) => offset !== undefined)
      ? rowsAtOnce
      : Number(rows);
    for (; begin < last; begin += step) ranges.push({ begin, end: Math.min(begin + step, last) });
    begin = last;
  }
  return ranges;
}
