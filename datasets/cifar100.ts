import { check, required } from "../src/errors.js";
import { checkPath } from "../src/io/files.js";
import { type Cifar10Options, cifarImages } from "./cifar10.js";
import type { Dataset } from "./dataset.js";

/** Options of `cifar100`. */
export interface Cifar100Options extends Cifar10Options {
  /** Default "fine": 100 classes; "coarse": the 20 superclasses that they are divided into. */
  labels?: "fine" | "coarse";
}

/**
 * CIFAR-100 (Krizhevsky 2009) in its binary version: RGB images [size, size, 3] in [-1, 1] of 100 classes or 20 superclasses.
 * @param folder with train.bin and test.bin, or the one above it (cifar-100-binary lies in it); fine_label_names.txt and coarse_label_names.txt, where they are
 * there, name the classes.
 * @throws TangentLabError `file-system` if the file is not there, `corrupt-file` for one that is not made of records of 3,074 bytes.
 */
export async function cifar100(folder: string, options: Cifar100Options = {}): Promise<Dataset> {
  checkPath(folder, "folder");
  const { labels = "fine", ...rest } = required("options", options);
  check(labels === "fine" || labels === "coarse", "labels", labels, '"fine" or "coarse"');
  const isFine = labels === "fine";
  return cifarImages(folder, rest, {
    name: isFine ? "cifar-100" : "cifar-100-coarse",
    set: "CIFAR-100",
    inner: "cifar-100-binary",
    labelCounts: [20, 100],
    label: isFine ? 1 : 0,
    names: isFine ? "fine_label_names.txt" : "coarse_label_names.txt",
    files: { train: /^train\.bin$/, test: /^test\.bin$/ },
    described: { train: "train.bin", test: "test.bin" },
  });
}
