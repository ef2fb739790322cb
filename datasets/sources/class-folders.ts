import { checkClassCount } from "../classes.js";
import { unfit } from "./source.js";

/** Classes by the first folder of each picture's path; `labels` is missing where none is in a folder. */
export interface FolderClasses {
  labels?: Int32Array;
  classNames: readonly string[];
}

/**
 * Classes by the folders that pictures lie in.
 * @param root for errors.
 * @param names paths of pictures within it.
 * @throws TangentLabError `invalid-data` where some lie beside the folders.
 */
export function classesByFolder(root: string, names: readonly string[], separator: string): FolderClasses {
  const parents = names.map((name) =>
    name.includes(separator) ? name.slice(0, name.indexOf(separator)) : undefined,
  );
  const classNames = [...new Set(parents)].filter((name) => name !== undefined).sort();
  if (classNames.length === 0) return { classNames };
  const stray = parents.indexOf(undefined);
  if (stray >= 0)
    throw unfit(
      root,
      "it has images both in subfolders and beside them",
      "all images in one folder, or each in the subfolder of its class",
      names[stray],
    );
  checkClassCount(classNames.length, "folder");
  const labels = new Map(classNames.map((name, label) => [name, label]));
  return { labels: Int32Array.from(parents, (name) => labels.get(name!)!), classNames };
}
