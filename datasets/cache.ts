import { createHash } from "node:crypto";
import { join } from "node:path";
import envPaths from "env-paths";
import { TangentLabError } from "../src/errors.js";
import { readBytes, writeFileAtomically } from "../src/io/files.js";
import { decodeSafetensors, encodeSafetensors, type StoredArray } from "../src/io/safetensors.js";

/** Where what took long to make is kept: ~/.cache/tangent-lab, or in XDG_CACHE_HOME; elsewhere where the system wants caches. */
export const cacheFolder = (): string => envPaths("tangent-lab", { suffix: "" }).cache;

/**
 * Arrays that take long to make: from the cache folder if they are there, else made and left there for the next time.
 * @param name of the file, the same for what replaces it.
 * @param source what the arrays are made from (versions, options, sizes and times of files): another one and they are made anew.
 */
export async function cached(
  name: string,
  source: unknown,
  make: () => Promise<Record<string, StoredArray>>,
): Promise<Record<string, StoredArray>> {
  const path = join(cacheFolder(), `${name}.safetensors`);
  const fingerprint = digest(source);
  try {
    const { tensors, metadata } = decodeSafetensors(await readBytes(path), path);
    if (metadata.fingerprint === fingerprint) return tensors;
  } catch (error) {
    if (!(error instanceof TangentLabError)) throw error; // not there or not whole: made anew
  }
  const arrays = await make();
  try {
    await writeFileAtomically(path, encodeSafetensors(arrays, { fingerprint }));
  } catch (error) {
    if (!(error instanceof TangentLabError)) throw error; // a full or read-only disk: only the next time is slower
  }
  return arrays;
}

/** A short name for any plain value. */
export const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 24);
