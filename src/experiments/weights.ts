import { createHash } from "node:crypto";
import { join } from "node:path";
import { currentDevice } from "../engine/device.js";
import { TangentLabError, warnOnce } from "../errors.js";
import { cacheFolder } from "../io/cache-folder.js";
import { checkpointFiles as files, type Json } from "../io/checkpoint.js";
import { checkWritable, isMissing, readBytes, removeFolder, writeFolderAtomically } from "../io/files.js";
import { lock } from "../io/lock.js";
import { fingerprintOfData, type TrainingData } from "../loop/data.js";
import { versions } from "./provenance.js";

/**
 * Finished trainings by what decides them, for all runs of a user: weights that were trained once are copied into a run's folder instead of trained again, so
 * that the folder has all that it needs.
 */
export interface WeightsCache {
  /** Before any work: tells the user if nothing will be kept. */
  check(): Promise<void>;
  /** Copies what is kept under this name to `folder`; false where nothing is. */
  restore(name: string, folder: string): Promise<boolean>;
  /** Keeps a copy of the finished checkpoint in `folder`. Where that cannot be written the user is told, once. */
  keep(name: string, folder: string): Promise<void>;
  /** Removes what is kept under this name. */
  forget(name: string): Promise<void>;
}

/** By default in the user's cache folder: $XDG_CACHE_HOME/tangent-lab/weights, or where the system has caches. */
export function weightsCache(root: string = join(cacheFolder(), "weights")): WeightsCache {
  const contents = (from: string): Promise<Uint8Array[]> =>
    Promise.all(files.map((file) => readBytes(join(from, file))));
  const write = (to: string, all: readonly Uint8Array[]): Promise<void> =>
    writeFolderAtomically(to, Object.fromEntries(files.map((file, i) => [file, all[i]!])));
  /** A cache is there to save time: where it fails, work goes on without it. */
  const tolerant = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TangentLabError)) throw error;
      warnOnce(`weights are not kept for other runs: ${error.message} (--no-cache leaves the cache alone)`);
      return undefined;
    }
  };
  return {
    check: async () => void (await tolerant(() => checkWritable(root))),
    restore: async (name, folder) => {
      const kept = await tolerant(() =>
        contents(join(root, name)).catch((error: unknown) => {
          if (isMissing(error)) return undefined;
          throw error;
        }),
      );
      if (kept === undefined) return false;
      await write(folder, kept);
      return true;
    },
    keep: async (name, folder) => {
      const made = await contents(folder);
      await tolerant(async () => {
        const release = await lock(join(root, `.${name}.lock`), join(root, name));
        await write(join(root, name), made).finally(release);
      });
    },
    forget: async (name) => void (await tolerant(() => removeFolder(join(root, name), files))),
  };
}

/**
 * A name that changes with everything that decides a training: its settings, the data themselves, the engine, and the versions of what computes.
 */
export async function trainingName(label: string, data: TrainingData, settings: Json): Promise<string> {
  // Not of Node: what was trained on one machine is found on another.
  const { node: _, ...computing } = versions();
  const hash = digest({
    ...{ settings, dataset: data.name, shape: [...data.shape] },
    ...{ data: await fingerprintOfData(data), engine: await currentDevice(), versions: computing },
  });
  return `${label}-${hash}`;
}

/** Eight hexadecimal digits. */
export const digest = (value: Json): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 8);
