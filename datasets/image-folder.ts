import { required } from "../src/errors.js";
import { checkPath } from "../src/io/files.js";
import type { Dataset } from "./dataset.js";
import { checkDecodeOptions, type DecodeOptions } from "./decoded.js";
import { pictureSet } from "./picture-set.js";
import { folderSource } from "./sources/folder.js";

/** Options of `imageFolder`. */
export type ImageFolderOptions = DecodeOptions;

/**
 * A folder of pictures (PNG, JPEG, WebP, GIF, BMP, AVIF, TIFF): images [size, size, channels] in [-1, 1], turned as their orientation says, transparency over
 * white. Where they lie in subfolders, each of these is a class, in alphabetical order, with everything below it; where `dataset.json` lies beside them, classes
 * are those that it says. Links to files and folders are followed; files and folders whose names begin with a dot are ignored, and a warning names what else is
 * left out. What was decoded is kept in the cache folder until the content of a file changes.
 * @throws TangentLabError `file-system` for a folder without images, `invalid-data` for images of several sizes, both beside and in subfolders, or too large to
 * decode (`maxBytes`), `corrupt-file` naming a file that is no image or not complete.
 */
export async function imageFolder(folder: string, options: ImageFolderOptions = {}): Promise<Dataset> {
  checkPath(folder, "folder");
  checkDecodeOptions(required("options", options));
  return pictureSet(await folderSource(folder), options);
}
