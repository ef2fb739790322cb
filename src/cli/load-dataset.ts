import { isPoints } from "../../datasets/by-name.js";
import { byName, type Dataset, names } from "../../datasets/index.js";
import { check } from "../errors.js";
import { loading } from "./progress.js";

/** What the help says of --data. */
export const dataHelp =
  "where the files of a dataset are: a folder (of `array` an .npy or .npz file), or name=folder for one of several datasets; needed for cifar-10, images and array";

export interface LoadOptions {
  /** Values of --data. */
  data?: readonly string[];
  size?: number;
  seed?: number;
}

/** That a size is for at least one of these datasets. @throws TangentLabError `invalid-argument`. */
export const checkSize = (names: readonly string[], size: number | undefined): void =>
  check(
    size === undefined || !names.every(isPoints),
    "--size",
    size,
    "only for images, and these are points",
  );

/** A dataset by its name, with a progress bar where it takes long. A size beside points is for the other datasets. */
export async function loadDataset(name: string, { data = [], size, seed }: LoadOptions): Promise<Dataset> {
  const folder = folderOf(name, data);
  const progress = loading(`loading ${name}`);
  try {
    return await byName(name, {
      ...(seed !== undefined && { seed }),
      ...(size !== undefined && !isPoints(name) && { size }),
      ...(folder !== undefined && { folder }),
      onProgress: progress.update,
    });
  } finally {
    progress.end();
  }
}

/** The last --data with this dataset's name before it, else the last without a name. */
function folderOf(name: string, data: readonly string[]): string | undefined {
  let [own, any]: (string | undefined)[] = [];
  for (const value of data) {
    const [, prefix, path] = /^([a-z0-9-]+)=(.+)$/s.exec(value) ?? [];
    if (prefix === undefined || path === undefined) any = value;
    else {
      check(
        names.includes(prefix),
        "--data",
        value,
        `a folder, or name=folder with one of ${names.join(", ")}`,
      );
      if (prefix === name) own = path;
    }
  }
  return own ?? any;
}
