// Small files of pictures in the forms that data sets are stored in, for tests and for damaging.
import { zipSync } from "fflate";
import { type ColumnSource, parquetWriteBuffer } from "hyparquet-writer";
import { Header } from "tar";
import { encodePng } from "../src/io/png.js";

/** A picture of one grey, 0 ... 255. */
export const greyPng = (level: number, side = 4): Buffer =>
  encodePng({ data: new Float32Array(side * side * 3).fill(level / 127.5 - 1), shape: [side, side, 3] });

/** A tar file of files in this order, with its end. */
export function tarOf(files: readonly (readonly [path: string, content: Uint8Array | string])[]): Buffer {
  const parts = files.flatMap(([path, content]) => {
    const data = Buffer.from(content as Uint8Array);
    const header = Buffer.alloc(512);
    new Header({ path, size: data.length, type: "File", mode: 0o644, mtime: new Date(0) }).encode(header, 0);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

export const zipOf = (files: Readonly<Record<string, Uint8Array | string>>): Uint8Array =>
  zipSync(
    Object.fromEntries(
      Object.entries(files).map(([name, content]) => [name, Buffer.from(content as Uint8Array)]),
    ),
  );

type Schema = NonNullable<Parameters<typeof parquetWriteBuffer>[0]["schema"]>;

const text = { type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" } as const;
const columnSchemas: Readonly<Record<string, Schema>> = {
  image: [
    { name: "image", num_children: 2, repetition_type: "OPTIONAL" },
    { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
    { name: "path", ...text },
  ],
  label: [{ name: "label", type: "INT64", repetition_type: "OPTIONAL" }],
  text: [{ name: "text", ...text }],
  captions: [
    { name: "captions", num_children: 1, repetition_type: "OPTIONAL", converted_type: "LIST" },
    { name: "list", num_children: 1, repetition_type: "REPEATED" },
    { name: "element", ...text },
  ],
};

/** A Parquet file as data hubs have it: of the columns `image` (structs), `label`, `text` and `captions`, those that are given. */
export function hubParquet(
  columns: Readonly<Partial<Record<"image" | "label" | "text" | "captions", readonly unknown[]>>>,
  {
    classNames,
    rows = 1000,
    pageSize,
  }: { classNames?: readonly string[]; rows?: number; pageSize?: number } = {},
): Buffer {
  const names = Object.keys(columns) as (keyof typeof columns)[];
  const features = {
    ...(columns.image && { image: { _type: "Image" } }),
    ...(classNames && { label: { _type: "ClassLabel", names: classNames } }),
  };
  const columnData = names.map((name) => ({ name, data: [...columns[name]!] })) as ColumnSource[];
  const bytes = parquetWriteBuffer({
    columnData,
    schema: [
      { name: "schema", num_children: names.length },
      ...names.flatMap((name) => columnSchemas[name]!),
    ],
    rowGroupSize: rows,
    ...(pageSize !== undefined && { pageSize }),
    kvMetadata: [{ key: "huggingface", value: JSON.stringify({ info: { features } }) }],
  });
  return Buffer.from(bytes);
}

/** The same of plain columns: bytes, texts, numbers. */
export const plainParquet = (
  columnData: ColumnSource[],
  codec: "SNAPPY" | "UNCOMPRESSED" = "SNAPPY",
): Buffer => Buffer.from(parquetWriteBuffer({ columnData, codec }));

/** A value of the column `image`. */
export const hubImage = (
  bytes: Uint8Array | null,
  path = "a.png",
): { bytes: Uint8Array | null; path: string } => ({
  bytes: bytes && new Uint8Array(bytes),
  path,
});
