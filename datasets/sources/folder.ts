import { basename, join, resolve, sep } from "node:path";
import { TangentLabError, warnOnce } from "../../src/errors.js";
import { readBytes } from "../../src/io/files.js";
import { imageExtensions } from "../../src/io/image-kind.js";
import { type FileState, readWithState } from "../file-states.js";
import { isFile } from "../idx-images.js";
import { leftOutText, pictureFiles } from "../picture-files.js";
import { classesByFolder } from "./class-folders.js";
import { classesByJson, labelsFile } from "./labels-json.js";
import { listed, type PictureSource, type SourceOptions, type StoredPicture } from "./source.js";

/** A folder of pictures, whose classes are its subfolders or those of a `dataset.json`. */
export async function folderSource(folder: string, { label }: SourceOptions = {}): Promise<PictureSource> {
  const root = resolve(folder);
  const files = await imageFiles(root);
  const json = join(root, labelsFile);
  const hasJson = label !== false && (await isFile(json));
  const names = files.map((file) => file.split(sep).join("/"));
  const listedClasses = hasJson ? classesByJson(json, await readBytes(json), names) : undefined;
  const { labels, classNames } =
    label === false || hasJson ? { classNames: [] } : classesByFolder(root, files, sep);
  return {
    name: basename(root),
    id: [root],
    root,
    files,
    count: files.length,
    ...listedClasses,
    ...(labels && { labels, classNames, numClasses: classNames.length }),
    pictures: (states) => pictures(root, files, states),
  };
}

async function* pictures(
  root: string,
  files: readonly string[],
  states: FileState[],
): AsyncGenerator<StoredPicture> {
  for (const name of files) {
    const { bytes, state } = readWithState(root, name);
    states.push(state);
    yield { where: join(root, name), bytes };
  }
}

/** Paths within the folder, sorted; says what is left out. */
async function imageFiles(root: string): Promise<string[]> {
  const found = await pictureFiles(root);
  if (await isFile(join(root, labelsFile))) found.leftOut.delete(".json (no picture)");
  const leftOut = leftOutText(root, found);
  if (found.files.length === 0) {
    throw new TangentLabError("file-system", `no images in ${leftOut ?? root}`, {
      argument: "folder",
      given: root,
      allowed: `a folder with files ${imageExtensions.join(", ")} in it or in a subfolder for each class`,
    });
  }
  const full = new Set(found.files.map((file) => file.slice(0, file.indexOf(sep))));
  const empty = found.folders.filter((folder) => !folder.includes(sep) && !full.has(folder));
  if (leftOut !== undefined) warnOnce(leftOut);
  if (empty.length > 0) warnOnce(`${root}: no picture, and so no class, in ${listed(empty)}`);
  return found.files;
}
