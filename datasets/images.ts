import { check } from "../src/errors.js";
import { checkPath } from "../src/io/files.js";
import type { Dataset } from "./dataset.js";
import { checkDecodeOptions } from "./decoded.js";
import { type PictureSetOptions, pictureSet } from "./picture-set.js";
import { openPictures } from "./sources/open.js";

/** Options of `images`. */
export interface ImagesOptions extends PictureSetOptions {
  /**
   * Which pictures: the column of Parquet files, or the ending of files in WebDataset shards ("jpg"). Default: the column that the file's metadata call an
   * image, or the one of bytes; the ending of a picture.
   */
  image?: string;
  /**
   * Where labels are: the column of Parquet files, the ending of files ("cls") or the field of .json files in WebDataset shards; false leaves labels out. Default
   * the first that is there of `label`, `labels`, `fine_label`, `class`, `cls` or `y` in Parquet, of `cls`, `label`, `labels` or `class` in shards.
   */
  label?: string | false;
  /** Which of the splits that names of files tell ("train-00000-of-00002.parquet"), where a folder has several. Default "train". */
  split?: string;
}

/** @throws TangentLabError `invalid-argument` naming the first that is wrong. */
export function checkImages(
  path: string | readonly string[],
  options: ImagesOptions & { caption?: string },
): void {
  if (Array.isArray(path)) {
    check(path.length > 0, "path", path, "one or more paths");
    for (const each of path) checkPath(each);
  } else checkPath(path);
  checkDecodeOptions(options);
  for (const name of ["image", "caption", "split"] as const) {
    const given = options[name];
    check(given === undefined || (typeof given === "string" && given !== ""), name, given, "a name");
  }
  const { label, onDisk } = options;
  const isLabel = label === undefined || label === false || (typeof label === "string" && label !== "");
  check(isLabel, "label", label, "a name, or false");
  if (onDisk !== undefined) check.flag("onDisk", onDisk);
}

/**
 * Pictures as people have them, by what the path is: a folder of pictures (as `imageFolder`), a Parquet file or a folder of them, a tar file in WebDataset's form
 * or a folder of them, a list of such files, or a zip file of a folder. Images [size, size, channels] in [-1, 1], with labels where the files have any: a class a
 * folder or `dataset.json` ({"labels": [["name.png", 6], ...]}), a column, a `.cls` file or a field of `.json`; class names come from what the Python library
 * `datasets` writes into Parquet files. Of animated pictures it is the first frame, of 16 bits the upper 8.
 *
 * What was decoded is kept in the cache folder until a file changes.
 * @throws TangentLabError `file-system` where nothing can be read, `corrupt-file` for a file that is damaged or only half there, `invalid-data` for files without
 * pictures, for images of several sizes and for labels that are missing, `invalid-argument` for columns that are not there.
 */
export async function images(
  path: string | readonly string[],
  options: ImagesOptions = {},
): Promise<Dataset> {
  check.only("images", options, [
    ...["size", "channels", "maxBytes", "onProgress", "signal", "onDisk"],
    ...["image", "label", "split"],
  ]);
  checkImages(path, options);
  const { image, label, split, maxBytes, ...rest } = options;
  const source = await openPictures(path, { image, label, split, maxBytes, signal: rest.signal });
  return pictureSet(source, { ...rest, ...(maxBytes !== undefined && { maxBytes }) });
}
