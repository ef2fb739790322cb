import { check, required } from "../src/errors.js";
import type { ReadLimit } from "../src/io/limits.js";
import { arrayFile } from "./array-file.js";
import type { CaptionedDataset } from "./captioned.js";
import { cifar10 } from "./cifar10.js";
import { cifar100 } from "./cifar100.js";
import type { Dataset } from "./dataset.js";
import { digits } from "./digits.js";
import { embed } from "./embed.js";
import { emoji } from "./emoji.js";
import { fashion } from "./fashion.js";
import { flipped } from "./flipped.js";
import { images as imagesAt } from "./images.js";
import { labelledBy } from "./labelled.js";
import { objects } from "./objects.js";
import { pairs } from "./pairs.js";
import { portraits } from "./portraits.js";
import { shapes } from "./shapes.js";
import type { Progress } from "./stored.js";
import { circle, moons, sphere, spiral, swissRoll, torus } from "./toys.js";

/** Options of `byName`; each dataset takes those that it has a use for. */
export interface DatasetOptions extends ReadLimit {
  /** Of the random frame of an embedding ("spiral-16d"). Default 0. */
  seed?: number;
  /**
   * Where the files of a dataset are: a folder, of "array" an .npy or .npz file, of "images" also a file or folder of Parquet, tar or zip files. Needed for
   * "cifar-10", "cifar-100", "cifar-100-coarse", "images" and "array".
   */
  folder?: string;
  /** Height and width of images, of digits, fashion, cifar-10, cifar-100, images and shapes; each has its own default. */
  size?: number;
  /** Of an "array" of images of real numbers: what black and white are. Needed where no number is below 0. */
  range?: readonly [number, number];
  /** Of digits, fashion, cifar-10, cifar-100, and of images where names of files tell it. Default "train". */
  split?: "train" | "test";
  /** Mirror half of all draws, left for right: `flipped`. Of images. Default false. */
  flip?: boolean;
  /** Leave decoded images on the disk, for sets larger than memory: the option of `images`. Default false. */
  onDisk?: boolean;
  /** Stops reading images and CIFAR's files: what loads the set is then rejected with the signal's reason. */
  signal?: AbortSignal;
  /** Called while files are read or images drawn. */
  onProgress?: Progress;
}

const toys: Record<string, () => Dataset> = {
  spiral,
  circle,
  moons,
  "swiss-roll": swissRoll,
  sphere,
  torus,
};

/** Images with captions. */
const captionedSets: Record<
  string,
  (options: Pick<DatasetOptions, "onProgress">) => CaptionedDataset | Promise<CaptionedDataset>
> = {
  objects: () => objects(),
  "objects-32": () => objects({ size: 32 }),
  pairs: () => pairs(),
  "pairs-32": () => pairs({ size: 32 }),
  emoji: () => emoji(),
  "emoji-32": () => emoji({ size: 32 }),
  "emoji-all": () => emoji({ set: "all" }),
  portraits,
};

type ImageOptions = Omit<DatasetOptions, "seed" | "flip">;

/** Images without captions. */
const imageSets: Record<string, (options: ImageOptions) => Dataset | Promise<Dataset>> = {
  digits,
  fashion,
  "cifar-10": ({ folder, ...options }) => cifar10(needed("cifar-10", folder), options),
  "cifar-100": ({ folder, ...options }) => cifar100(needed("cifar-100", folder), options),
  "cifar-100-coarse": ({ folder, ...options }) =>
    cifar100(needed("cifar-100-coarse", folder), { ...options, labels: "coarse" }),
  images: ({ folder, range: _, ...options }) => imagesAt(needed("images", folder), options),
  array: ({ folder, range, maxBytes }) =>
    arrayFile(needed("array", folder), { ...(range && { range }), ...(maxBytes && { maxBytes }) }),
  shapes: ({ size }) => shapes({ ...(size && { size }) }),
  "shapes-rgb": ({ size }) => shapes({ ...(size && { size }), colour: true }),
  "portraits-labelled": async (options) =>
    labelledBy(await portraits(options), ["hair colour", "clothing", "glasses"]),
};

/** The folder or file of a dataset that is read from files. Throws if it is missing. */
function needed(name: string, folder: string | undefined): string {
  const what = name === "array" ? "the .npy or .npz file" : "the folder";
  const others = name === "images" ? ", or its file .parquet, .tar or .zip" : "";
  check(folder !== undefined, "folder", folder, `${what} of the dataset "${name}"${others}`);
  return folder;
}

/** Images in any size; the others have one of their own. */
const resizable = [
  "digits",
  "fashion",
  "cifar-10",
  "cifar-100",
  "cifar-100-coarse",
  "images",
  "shapes",
  "shapes-rgb",
];
/** Images with a test set. */
const divided = ["digits", "fashion", "cifar-10", "cifar-100", "cifar-100-coarse", "images"];
/** Those that are read from files of yours. */
const fromFiles = ["digits", "fashion", "cifar-10", "cifar-100", "cifar-100-coarse", "images", "array"];

/** Of these, those that are nowhere else: not in a package. */
const onlyFromFiles = fromFiles.filter((name) => name !== "digits" && name !== "fashion");

/** Those whose files may be small but expand to much. */
const limited = fromFiles.filter((name) => !name.startsWith("cifar-"));

/** Whether a dataset is read from a `folder`; the others are made or come with the packages. */
export const takesFolder = (name: string): boolean => fromFiles.includes(name);

/** Whether a dataset must be given its `folder`. */
export const needsFolder = (name: string): boolean => onlyFromFiles.includes(name);

/** Whether a name is one of points, also in more dimensions. */
export const isPoints = (name: string): boolean => own(toys, name.replace(/-\d+d$/, "")) !== undefined;

/** The names `byName` knows; each of points also with "-<D>d" at the end. */
export const names: readonly string[] = [
  ...Object.keys(toys),
  ...Object.keys(imageSets),
  ...Object.keys(captionedSets),
];

/**
 * A dataset by its `name`, such as "spiral", "spiral-16d" (embedded in 16 dimensions by a frame from `seed`) or "digits".
 * @throws TangentLabError `invalid-argument` listing the known names, and what the dataset itself throws.
 */
export async function byName(name: string, options: DatasetOptions = {}): Promise<Dataset> {
  check(typeof name === "string", "dataset", name, "the name of a dataset");
  const { seed = 0, flip = false, ...rest } = required("options", options);
  const [, base, dim] = /^(.*?)(?:-(\d+)d)?$/s.exec(name) as RegExpExecArray & [string, string, string?];
  const images = own(captionedSets, name) ?? own(imageSets, name);
  const toy = own(toys, base);
  check(
    images !== undefined || toy !== undefined,
    "dataset",
    name,
    `${names.join(", ")}; and those of points in more dimensions, such as "spiral-16d"`,
  );
  const { size, split, range, folder, maxBytes, onDisk, signal } = rest;
  check.flag("flip", flip);
  check(!flip || images !== undefined, "flip", flip, `false for points, as ${name}`);
  check(onDisk === undefined || name === "images", "onDisk", onDisk, `only for images, not for ${name}`);
  signal?.throwIfAborted();
  const only = (known: readonly string[]): string => `only for ${known.join(", ")}, not for ${name}`;
  check(size === undefined || resizable.includes(name), "size", size, only(resizable));
  check(split === undefined || divided.includes(name), "split", split, only(divided));
  check(folder === undefined || takesFolder(name), "folder", folder, only(fromFiles));
  check(range === undefined || name === "array", "range", range, only(["array"]));
  check(maxBytes === undefined || limited.includes(name), "maxBytes", maxBytes, only(limited));
  if (images) {
    const data = await images(rest);
    return flip ? flipped(data) : data;
  }
  return dim === undefined ? toy!() : embed(toy!(), Number(dim), seed);
}

const own = <Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
