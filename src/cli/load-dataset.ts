import { isPoints, takesFolder } from "../../datasets/by-name.js";
import { byName, type Dataset, names } from "../../datasets/index.js";
import { check } from "../errors.js";
import { loading } from "./progress.js";

/** The help text of --data. */
export const dataHelp =
  "where the files of a dataset are: a folder (of `array` an .npy or .npz file), or name=folder for one of several datasets; needed for cifar-10, images and array";

export interface LoadOptions {
  /** Values of --data. */
  data?: readonly string[];
  size?: number;
  seed?: number;
  range?: readonly [number, number];
}

/**
 * Checks that each option applies to at least one of these datasets; otherwise it would silently do nothing.
 * @throws TangentLabError `invalid-argument`.
 */
export function checkOptions(names: readonly string[], { data = [], size, range }: LoadOptions): void {
  check(
    size === undefined || !names.every(isPoints),
    "--size",
    size,
    "only for images, and these are points",
  );
  check(range === undefined || names.includes("array"), "--range", range, "only with --dataset array");
  for (const value of data) {
    const own = split(value).name;
    const takers = own === undefined ? names.filter(takesFolder) : names.filter((name) => name === own);
    check(
      takers.some(takesFolder),
      "--data",
      value,
      own === undefined
        ? `only for data from files, not for ${names.join(", ")}`
        : `only for ${names.filter(takesFolder).join(", ") || "data from files"}`,
    );
  }
}

/** A dataset by its name, with a progress bar if it takes long. An option that is not for it is for the other datasets. */
export async function loadDataset(
  name: string,
  { data = [], size, seed, range }: LoadOptions,
): Promise<Dataset> {
  const folder = folderOf(name, data);
  const progress = loading(`loading ${name}`);
  try {
    return await byName(name, {
      ...(seed !== undefined && { seed }),
      ...(size !== undefined && !isPoints(name) && { size }),
      ...(range !== undefined && name === "array" && { range }),
      ...(folder !== undefined && { folder }),
      onProgress: progress.update,
    });
  } finally {
    progress.end();
  }
}

/** The given place of a dataset's files: the last --data with its name before it, else the last without a name. */
export function folderOf(name: string, data: readonly string[]): string | undefined {
  if (!takesFolder(name)) return undefined;
  const values = data.map(split).reverse();
  const own = values.find((value) => value.name === name);
  return (own ?? values.find((value) => value.name === undefined))?.folder;
}

/** A value of --data: a folder, or name=folder. */
function split(value: string): { name?: string; folder: string } {
  const [, name, folder] = /^([a-z0-9-]+)=(.+)$/s.exec(value) ?? [];
  if (name === undefined || folder === undefined) return { folder: value };
  const known = names.filter(takesFolder);
  check(known.includes(name), "--data", value, `a folder, or name=folder with one of ${known.join(", ")}`);
  return { name, folder };
}
