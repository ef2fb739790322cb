import { isPoints, needsFolder, takesFolder } from "../../datasets/by-name.js";
import { byName, type Dataset, names } from "../../datasets/index.js";
import { check } from "../errors.js";
import { Interrupted } from "./interrupt.js";
import { loading } from "./progress.js";

/** The help text of --data. */
export const dataHelp =
  "where the files of a dataset are: a folder (of `array` an .npy or .npz file, of `images` also a .parquet, .tar or .zip file or a folder of shards), or name=path for one of several datasets; needed for cifar-10, cifar-100, images and array";

export interface LoadOptions {
  /** Values of --data. */
  data?: readonly string[];
  size?: number;
  seed?: number;
  range?: readonly [number, number];
  flip?: boolean;
  onDisk?: boolean;
}

/**
 * Checks that each option applies to at least one of these datasets; otherwise it would silently do nothing.
 * @throws TangentLabError `invalid-argument`.
 */
export function checkOptions(
  names: readonly string[],
  { data = [], size, range, flip, onDisk }: LoadOptions,
): void {
  check(
    size === undefined || !names.every(isPoints),
    "--size",
    size,
    "only for images, and these are points",
  );
  check(range === undefined || names.includes("array"), "--range", range, "only with --dataset array");
  check(!flip || !names.every(isPoints), "--flip", flip, "only for images, and these are points");
  check(!onDisk || names.includes("images"), "--on-disk", onDisk, "only with --dataset images");
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

/** A dataset by its name, with a progress bar if it takes long. An option that is not for it is for the other datasets. @throws Interrupted once the signal is aborted. */
export async function loadDataset(
  name: string,
  { data = [], size, seed, range, flip, onDisk }: LoadOptions,
  signal?: AbortSignal,
): Promise<Dataset> {
  const folder = folderOf(name, data);
  check(
    folder !== undefined || !needsFolder(name),
    "--data",
    folder,
    `where the files of ${name} are: --data PATH, or --data ${name}=PATH beside those of other datasets`,
  );
  const progress = loading(`loading ${name}`);
  try {
    return await byName(name, {
      ...(seed !== undefined && { seed }),
      ...(size !== undefined && !isPoints(name) && { size }),
      ...(range !== undefined && name === "array" && { range }),
      ...(folder !== undefined && { folder }),
      ...(flip && !isPoints(name) && { flip }),
      ...(onDisk && name === "images" && { onDisk }),
      ...(signal && { signal }),
      onProgress: progress.update,
    });
  } catch (error) {
    if (!signal?.aborted) throw error;
    throw new Interrupted(signal.reason as NodeJS.Signals, `stopped while loading ${name}`);
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
