import { readdir, stat } from "node:fs/promises";
import { extname } from "node:path";
import { check } from "../../src/errors.js";
import { fileSystemError } from "../../src/io/files.js";
import { folderSource } from "./folder.js";
import { parquetSource } from "./parquet.js";
import type { PictureSource, SourceOptions } from "./source.js";
import { webDatasetSource } from "./web-dataset.js";
import { zipSource } from "./zip.js";

/** What a path holds. */
export type PictureFormat = "folder" | "Parquet" | "WebDataset" | "zip";

const formats: Readonly<Record<string, Exclude<PictureFormat, "folder">>> = {
  ".parquet": "Parquet",
  ".tar": "WebDataset",
  ".zip": "zip",
};

const extensions = Object.keys(formats).join(", ");

/**
 * What pictures are stored as, by what the path is: a file by its ending, a folder by the files in it and in the folders in it, a list of files by their endings.
 * @throws TangentLabError `invalid-argument` for another file or a mixed list, `file-system` for what is not there.
 */
export async function pictureFormat(path: string | readonly string[]): Promise<PictureFormat> {
  if (typeof path !== "string") {
    const kinds = new Set(path.map((file) => formats[extname(file).toLowerCase()]));
    const [kind] = kinds;
    check(
      kinds.size === 1 && (kind === "Parquet" || kind === "WebDataset"),
      "path",
      path,
      "a list of files .parquet, or one of files .tar",
    );
    return kind;
  }
  const failed = (cause: unknown): never => {
    throw fileSystemError("read", path, cause);
  };
  const status = await stat(path).catch(failed);
  const kind = formats[extname(path).toLowerCase()];
  if (!status.isDirectory()) {
    check(kind !== undefined, "path", path, `a folder, or a file ${extensions}`);
    return kind;
  }
  const entries = await readdir(path, { withFileTypes: true }).catch(failed);
  const names = entries.map(({ name }) => name);
  for (const entry of entries)
    if (entry.isDirectory() && !entry.name.startsWith("."))
      names.push(...(await readdir(`${path}/${entry.name}`).catch(() => [])));
  for (const extension of [".parquet", ".tar"])
    if (names.some((name) => extname(name).toLowerCase() === extension && !name.startsWith(".")))
      return formats[extension]!;
  return "folder";
}

/** The pictures at a path. @throws TangentLabError as its reader does, and `invalid-argument` for options that its format has no use for. */
export async function openPictures(
  path: string | readonly string[],
  options: SourceOptions,
): Promise<PictureSource> {
  const format = await pictureFormat(path);
  const only = (name: keyof SourceOptions, given: unknown, known: readonly PictureFormat[]): void =>
    check(given === undefined || known.includes(format), name, given, `only for ${known.join(" and ")}`);
  only("image", options.image, ["Parquet", "WebDataset"]);
  only("caption", options.caption, ["Parquet", "WebDataset"]);
  only("split", options.split, ["Parquet", "WebDataset"]);
  if (options.label !== false) only("label", options.label, ["Parquet", "WebDataset"]);
  if (format === "Parquet") return parquetSource(path, options);
  if (format === "WebDataset") return webDatasetSource(path, options);
  return format === "zip" ? zipSource(path as string, options) : folderSource(path as string, options);
}
