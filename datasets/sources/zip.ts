import { basename, dirname, extname, resolve } from "node:path";
import { check, TangentLabError } from "../../src/errors.js";
import { imageExtensions } from "../../src/io/image-kind.js";
import { byteLimit, checkDeclared } from "../../src/io/limits.js";
import { openZip, type ZipFile } from "../../src/io/zip.js";
import { captionFiles, captionsOf } from "../caption-files.js";
import { type FileState, stateOf } from "../file-states.js";
import { matchedFiles } from "../matched-captions.js";
import { classesByFolder } from "./class-folders.js";
import { classesByJson, labelsFile } from "./labels-json.js";
import { brief, type PictureSource, type SourceOptions, type StoredPicture, within } from "./source.js";

/** A zip file of a folder of pictures: what holds for folders holds within it. Folders that all of it lies in are no classes. */
export async function zipSource(path: string, options: SourceOptions = {}): Promise<PictureSource> {
  const whole = resolve(path);
  const zip = await openZip(whole);
  try {
    const limit = byteLimit(options, zip.size);
    const read = (name: string): Promise<Uint8Array> => {
      checkDeclared(within(whole, name), `${zip.sizeOf(name)} bytes`, zip.sizeOf(name), limit);
      return zip.read(name);
    };
    const seen = zip.names.filter(
      (name) => !name.split("/").some((part) => part.startsWith(".") || part === "__MACOSX"),
    );
    const images = seen.filter((name) => imageExtensions.includes(extname(name).toLowerCase())).sort();
    if (images.length === 0)
      throw new TangentLabError("invalid-data", `no images in ${whole}`, {
        argument: "path",
        given: `${zip.names.length} files${zip.names.length > 0 ? `, the first ${brief(zip.names[0]!)}` : ""}`,
        allowed: `a zip file of files ${imageExtensions.join(", ")}, perhaps in a folder for each class`,
      });
    const above = commonFolder(images);
    const beside = (file: string): string | undefined =>
      [`${above}${file}`, ...parents(above).map((folder) => `${folder}${file}`)].find((name) =>
        seen.includes(name),
      );
    const common = {
      name: basename(whole, extname(whole)),
      root: dirname(whole),
      files: [basename(whole)],
    };
    if (options.captioned) {
      const file = captionFiles.map(beside).find((name) => name !== undefined);
      check(
        file !== undefined,
        "path",
        path,
        `a zip file with ${captionFiles.join(" or ")} beside its pictures`,
      );
      const folder = file.slice(0, file.lastIndexOf("/") + 1);
      const entries = captionsOf(await read(file), `${whole}/${file}`, undefined);
      const names = images.filter((name) => name.startsWith(folder)).map((name) => name.slice(folder.length));
      const matched = matchedFiles(whole, names, entries).map((name) => folder + name);
      return {
        ...common,
        id: [whole, "captions"],
        count: matched.length,
        captions: entries.map(({ captions }) => captions),
        pictures: (states) => pictures(whole, matched, options, states),
      };
    }
    const json = options.label === false ? undefined : beside(labelsFile);
    const folder = json === undefined ? above : json.slice(0, json.lastIndexOf("/") + 1);
    const names = images.map((name) => name.slice(folder.length));
    const listed =
      json === undefined ? undefined : classesByJson(`${whole}/${json}`, await read(json), names);
    const { labels, classNames } =
      options.label === false || json !== undefined ? { classNames: [] } : classesByFolder(whole, names, "/");
    return {
      ...common,
      id: [whole],
      count: images.length,
      ...listed,
      ...(labels && { labels, classNames, numClasses: classNames.length }),
      pictures: (states) => pictures(whole, images, options, states),
    };
  } finally {
    await zip.close();
  }
}

/** The folder that all are in, with "/" at its end, or "". */
function commonFolder(names: readonly string[]): string {
  let common = names[0]!.slice(0, names[0]!.lastIndexOf("/") + 1);
  for (const name of names)
    while (!name.startsWith(common)) common = common.slice(0, common.lastIndexOf("/", common.length - 2) + 1);
  return common;
}

/** The folders above one, the nearest first. */
function parents(folder: string): string[] {
  if (folder === "") return [];
  const above = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
  return [above, ...parents(above)];
}

async function* pictures(
  path: string,
  names: readonly string[],
  options: SourceOptions,
  states: FileState[],
): AsyncGenerator<StoredPicture> {
  states.push(await stateOf(dirname(path), basename(path)));
  const zip: ZipFile = await openZip(path);
  try {
    const limit = byteLimit(options, zip.size);
    for (const name of names) {
      const where = within(path, name);
      checkDeclared(where, `${zip.sizeOf(name)} bytes`, zip.sizeOf(name), limit);
      yield { where, bytes: await zip.read(name) };
    }
  } finally {
    await zip.close();
  }
}
