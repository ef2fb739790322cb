import { required, TangentLabError } from "../src/errors.js";
import type { Dataset } from "./dataset.js";
import { type IdxImagesOptions, idxImages, isThere } from "./idx-images.js";

/** Options of `fashion`. */
export interface FashionOptions extends IdxImagesOptions {
  /** A folder of Fashion-MNIST's IDX files, gz or not. Default: that of Debian's package dataset-fashion-mnist. */
  folder?: string;
}

const classNames = [
  "T-shirt/top",
  "trouser",
  "pullover",
  "dress",
  "coat",
  "sandal",
  "shirt",
  "sneaker",
  "bag",
  "ankle boot",
] as const;

/** Where Debian's package dataset-fashion-mnist puts its files. */
const debianFolder = "/usr/share/datasets/fashion-mnist";

/**
 * Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): pieces of clothing in ten classes, grey images [size, size, 1] in [-1, 1].
 * @throws TangentLabError `file-system` if there are no files, `corrupt-file` if one is not what it should be.
 */
export async function fashion(options: FashionOptions = {}): Promise<Dataset> {
  required("options", options);
  const folder = options.folder ?? debianFolder;
  if (options.folder === undefined && !(await isThere(folder))) {
    throw new TangentLabError("file-system", "Fashion-MNIST was not found", {
      argument: "folder",
      allowed: "the folder of its four IDX files, or Debian's package dataset-fashion-mnist installed",
    });
  }
  return idxImages("fashion", folder, options, classNames);
}
