import { basename, join } from "node:path";
import { required, TangentLabError, warnOnce } from "../src/errors.js";
import { decodeImage } from "../src/io/decode-image.js";
import { checkPath, readBytes } from "../src/io/files.js";
import { type CaptionEntry, captionFiles, readCaptions } from "./caption-files.js";
import { type CaptionedDataset, captioned } from "./captioned.js";
import { checkReadingOptions, checkResize, checkSize, type ReadingOptions, square } from "./decoded.js";
import { isFile } from "./idx-images.js";
import { matchedFiles, mismatch } from "./matched-captions.js";
import { leftOutText, pictureFiles } from "./picture-files.js";

/** Options of `captionedFolder`. */
export interface CaptionedFolderOptions extends ReadingOptions {
  /**
   * Height and width, from 4 to 1024: the largest square in the middle of each image is resized to it without aliasing. Default: images stay as they are,
   * and must all be squares of one size.
   */
  size?: number;
  /** Of the file of captions, as TextDecoder calls it: "windows-1252" is Latin-1. Default UTF-8, or UTF-16 if it begins with a byte order mark. */
  encoding?: string;
}

/**
 * Your own images with captions: a folder of square pictures (as `imageFolder` reads them, also in subfolders) and one of
 * - captions.jsonl (or metadata.jsonl): a line `{"file": "a.png", "caption": "a cat"}` or `"captions": ["a cat", "one cat"]` an image;
 * - metadata.csv with the columns `file_name` and `text`, one image a row.
 *
 * `file_name` and `text` are understood in both; names are paths within the folder, in any of Unicode's forms. Every image of the folder needs a caption and
 * every caption its file.
 * @throws TangentLabError `file-system` where there is nothing to read, `invalid-data` for images of the wrong size, files without captions, captions without
 * files and blank captions, `corrupt-file` for files that are not JSON, CSV or an image, or not in the encoding.
 */
export async function captionedFolder(
  folder: string,
  options: CaptionedFolderOptions = {},
): Promise<CaptionedDataset> {
  checkPath(folder, "folder");
  required("options", options);
  checkResize(options.size);
  checkReadingOptions(options);
  const found = await pictureFiles(folder);
  const entries = await readEntries(folder, options.encoding);
  const files = matchedFiles(folder, found.files, entries);
  // The captions themselves are no picture.
  for (const extension of [".csv", ".jsonl"]) found.leftOut.delete(`${extension} (no picture)`);
  const leftOut = leftOutText(folder, found);
  if (leftOut !== undefined) warnOnce(leftOut);

  let side = options.size;
  const { signal, onProgress } = options;
  const pixels: Uint8Array[] = [];
  for (const file of files) {
    signal?.throwIfAborted();
    const path = join(folder, file);
    const image = await decodeImage(await readBytes(path), path, options);
    if (options.size === undefined) checkSize(image, side, path);
    side ??= image.width;
    pixels.push(square(image, side));
    onProgress?.(pixels.length, files.length);
  }
  return captioned<number>({
    name: basename(folder),
    shape: [side!, side!, 3],
    attributes: {},
    scenes: entries.map((_, i) => i),
    variants: 1,
    contents: () => pixels,
    describe: (i) => ({ attributes: {}, captions: entries[i]!.captions, heldOut: false }),
    write: (i, _variant, out, offset) => {
      for (const [k, value] of pixels[i]!.entries()) out[offset + k] = value / 127.5 - 1;
    },
  });
}

async function readEntries(folder: string, encoding: string | undefined): Promise<CaptionEntry[]> {
  for (const name of captionFiles) {
    if (!(await isFile(join(folder, name)))) continue;
    const entries = await readCaptions(folder, name, encoding);
    if (entries.length === 0) throw mismatch(folder, `${name} has no captions`);
    return entries;
  }
  throw new TangentLabError("file-system", `no captions in ${folder}`, {
    argument: "folder",
    given: folder,
    allowed: `a folder of images with ${captionFiles.join(" or ")}`,
  });
}
