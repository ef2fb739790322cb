import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { TangentLabError } from "../src/errors.js";
import { cacheFolder } from "../src/io/cache-folder.js";
import { fileSystemError, writeFileAtomically } from "../src/io/files.js";
import { allocate } from "../src/io/limits.js";
import { digest, keep, readKept } from "./cache.js";
import type { Dataset } from "./dataset.js";
import { type DecodeOptions, decodedBlocks } from "./decoded.js";
import { type FileState, parseStates, unchanged } from "./file-states.js";
import { imagesOnDisk } from "./on-disk.js";
import type { PictureSource } from "./sources/source.js";
import { storedImages } from "./stored.js";

/** How a set of pictures is decoded and where it is kept. */
export interface PictureSetOptions extends DecodeOptions {
  /**
   * Leave the decoded pictures in the cache folder and read each batch from there, in another thread ahead of the step that needs it: for sets larger than
   * memory. Default false: they are in memory, a byte a number.
   */
  onDisk?: boolean;
}

/** The dataset of a source's pictures: decoded, or as they were decoded before if no file has changed since. */
export async function pictureSet(source: PictureSource, options: PictureSetOptions): Promise<Dataset> {
  const { name, labels, classNames, numClasses } = source;
  const known = {
    name,
    ...(labels && { labels, numClasses: numClasses!, ...(classNames && { classNames }) }),
  };
  if (options.onDisk) {
    const { path, side, channels } = await pixelFile(source, options);
    return imagesOnDisk({ ...known, path, shape: [side, side, channels], size: source.count });
  }
  const { pixels, side, channels } = await pixelsOf(source, options);
  return storedImages({ ...known, shape: [side, side, channels], pixels });
}

/** What pictures of a source are kept as. */
function keptName(source: PictureSource, { size, channels = 3 }: DecodeOptions): string {
  // Names of files have at most 255 bytes.
  return `images-${basename(source.root || source.name).slice(0, 60)}-${digest([...source.id, size, channels])}`;
}

/** The pixels of all pictures, [count, side, side, channels], in memory. */
export async function pixelsOf(
  source: PictureSource,
  options: DecodeOptions,
): Promise<{ pixels: Uint8Array; side: number; channels: 1 | 3 }> {
  const { root, files, count } = source;
  const { channels = 3 } = options;
  const name = keptName(source, options);
  const kept = await readKept(name);
  const before = parseStates(kept?.metadata.files);
  const there = kept?.arrays.pixels;
  if (
    there?.data instanceof Uint8Array &&
    there.shape[0] === count &&
    before &&
    (await unchanged(root, files, before))
  )
    return { pixels: there.data, side: there.shape[1]!, channels };
  const states: FileState[] = [];
  let pixels = new Uint8Array(0);
  let [side, at] = [0, 0];
  for await (const block of decodedBlocks(source, options, states)) {
    if (side === 0) {
      side = block.side;
      const length = count * side * side * channels;
      pixels = allocate(source.name, length, () => new Uint8Array(length));
    }
    pixels.set(block.pixels, at);
    at += block.pixels.length;
  }
  const shape = [count, side, side, channels];
  await keep(name, {
    arrays: { pixels: { shape, data: pixels } },
    metadata: { files: JSON.stringify(states) },
  });
  return { pixels, side, channels };
}

/** The same in a file of the cache folder: nothing but the pixels. */
async function pixelFile(
  source: PictureSource,
  options: DecodeOptions,
): Promise<{ path: string; side: number; channels: 1 | 3 }> {
  const { root, files, count } = source;
  const { channels = 3 } = options;
  const name = `${keptName(source, options)}-disk`;
  const path = join(cacheFolder(), `${name}.pixels`);
  const kept = await readKept(name);
  const before = parseStates(kept?.metadata.files);
  const side = Number(kept?.metadata.side);
  if (
    kept &&
    before &&
    kept.metadata.file === (await statusOf(path)) &&
    (await unchanged(root, files, before))
  )
    return { path, side, channels };
  const states: FileState[] = [];
  let decodedSide = 0;
  async function* parts(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const block of decodedBlocks(source, options, states)) {
      decodedSide = block.side;
      yield block.pixels as Uint8Array<ArrayBuffer>;
    }
  }
  await writeFileAtomically(path, parts()).catch((error: unknown) => {
    // What stops the reading is no fault of the disk's.
    options.signal?.throwIfAborted();
    throw error;
  });
  const file = await statusOf(path);
  if (file === undefined || Number(file.split(",")[0]) !== count * decodedSide ** 2 * channels)
    throw new TangentLabError("file-system", `cannot write ${path}: it is shorter than it should be`);
  const metadata = { files: JSON.stringify(states), side: String(decodedSide), file };
  await keep(name, { arrays: {}, metadata });
  return { path, side: decodedSide, channels };
}

/** Size and times of a file; undefined where there is none. */
async function statusOf(path: string): Promise<string | undefined> {
  try {
    const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true });
    return `${size},${mtimeNs},${ctimeNs},${ino}`;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileSystemError("read", path, cause);
  }
}
