import { createHash } from "node:crypto";
import { join } from "node:path";
import { TangentLabError, warnOnce } from "../src/errors.js";
import { cacheFolder } from "../src/io/cache-folder.js";
import { readSafetensors, type StoredArray, writeSafetensors } from "../src/io/safetensors.js";

/** Saved arrays, and what they were made from. */
export interface Kept {
  arrays: Record<string, StoredArray>;
  /** Plain text by name. */
  metadata: Record<string, string>;
}

/**
 * Arrays that take long to make: read from the cache folder, or made and saved there for the next time.
 * @param name of the file; a newer version has the same name.
 * @param source what the arrays are made from (versions, options): if it changes, they are made again.
 */
export async function cached(
  name: string,
  source: unknown,
  make: () => Promise<Record<string, StoredArray>>,
): Promise<Record<string, StoredArray>> {
  const sourceDigest = digest(source);
  const kept = await readKept(name);
  if (kept?.metadata.source === sourceDigest) return kept.arrays;
  const arrays = await make();
  await keep(name, { arrays, metadata: { source: sourceDigest } });
  return arrays;
}

/** What the cache folder has under a name; undefined if it has nothing, or the file has changed since it was written. */
export async function readKept(name: string): Promise<Kept | undefined> {
  try {
    const { tensors, metadata } = await readSafetensors(pathOf(name));
    const { contents, ...rest } = metadata;
    return contents === digestOf(tensors, rest) ? { arrays: tensors, metadata: rest } : undefined;
  } catch (error) {
    if (!(error instanceof TangentLabError)) throw error; // missing or damaged: made again
    return undefined;
  }
}

/** Saves arrays in the cache folder. If it cannot be written, only the next time is slower: the user is warned once. */
export async function keep(name: string, { arrays, metadata }: Kept): Promise<void> {
  try {
    const contents = digestOf(arrays, metadata);
    await writeSafetensors(pathOf(name), arrays, { ...metadata, contents });
  } catch (error) {
    if (!(error instanceof TangentLabError)) throw error;
    warnOnce(`pictures are not kept for the next time: ${error.message}`);
  }
}

const pathOf = (name: string): string => join(cacheFolder(), `${name}.safetensors`);

/** A short name for any plain value. */
export const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 24);

/** A hash of arrays and metadata: files changed by a bad disk or another program are not used. */
function digestOf(
  arrays: Readonly<Record<string, StoredArray>>,
  metadata: Readonly<Record<string, string>>,
): string {
  const hash = createHash("sha256").update(JSON.stringify(Object.entries(metadata).sort()));
  for (const [name, { shape, data }] of Object.entries(arrays).sort(([a], [b]) => (a < b ? -1 : 1)))
    hash
      .update(JSON.stringify([name, shape]))
      .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex").slice(0, 24);
}
