import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../io/cache-folder.js";

/** Where the cache is and what is in it. */
export interface CacheState {
  path: string;
  files: number;
  bytes: number;
}

/** The cache of data and weights; of no files where there is none. */
export async function cacheState(path: string = cacheFolder()): Promise<CacheState> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  // A file may go while this looks.
  const sizes = await Promise.all(
    files.map(({ parentPath, name }) =>
      stat(join(parentPath, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return { path, files: files.length, bytes: sizes.reduce((a, b) => a + b, 0) };
}
