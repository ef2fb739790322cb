import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import envPaths from "env-paths";
import { currentDevice } from "../engine/device.js";
import * as random from "../engine/random.js";
import type { Json } from "../io/checkpoint.js";
import { fileSystemError, isMissing, readBytes, writeFolderAtomically } from "../io/files.js";
import type { TrainingData } from "../loop/data.js";
import { versions } from "./provenance.js";

/** The files of a checkpoint (`io/checkpoint.ts`). */
const files = ["config.json", "metrics.jsonl", "state.safetensors"];

/**
 * Finished trainings by what decides them, for all runs of a user: weights that were trained once are copied into a run's folder instead of trained again, so
 * that the folder has all that it needs.
 */
export interface WeightsCache {
  /** Copies what is kept under this name to `folder`; false where nothing is. */
  restore(name: string, folder: string): Promise<boolean>;
  /** Keeps a copy of the finished checkpoint in `folder`. */
  keep(name: string, folder: string): Promise<void>;
  /** Removes what is kept under this name. */
  forget(name: string): Promise<void>;
}

/** By default in the user's cache folder: $XDG_CACHE_HOME/tangent-lab/weights, or where the system has caches. */
export function weightsCache(
  root: string = join(envPaths("tangent-lab", { suffix: "" }).cache, "weights"),
): WeightsCache {
  const copy = async (from: string, to: string): Promise<void> => {
    const contents = await Promise.all(files.map((file) => readBytes(join(from, file))));
    await writeFolderAtomically(to, Object.fromEntries(files.map((file, i) => [file, contents[i]!])));
  };
  return {
    restore: async (name, folder) => {
      try {
        await copy(join(root, name), folder);
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    },
    keep: (name, folder) => copy(folder, join(root, name)),
    forget: async (name) => {
      try {
        await rm(join(root, name), { recursive: true, force: true });
      } catch (cause) {
        throw fileSystemError("remove", join(root, name), cause);
      }
    },
  };
}

/**
 * A name that changes with everything that decides a training: its settings, the data themselves, the engine, and the versions of what computes.
 */
export async function trainingName(label: string, data: TrainingData, settings: Json): Promise<string> {
  const hash = digest({
    ...{ settings, dataset: data.name, shape: [...data.shape] },
    ...{ data: fingerprint(data), engine: await currentDevice(), versions: versions() },
  });
  return `${label}-${hash}`;
}

/** Eight hexadecimal digits. */
export const digest = (value: Json): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 8);

const fingerprints = new WeakMap<TrainingData, string>();

/** A hash of some of the examples: another dataset under the same name has another. Kept, because a study names hundreds of trainings. */
function fingerprint(data: TrainingData): string {
  const known = fingerprints.get(data);
  if (known !== undefined) return known;
  const { x } = data.sample(random.key(0), 64);
  const hash = createHash("sha256")
    .update(new Uint8Array(x.buffer, x.byteOffset, x.byteLength))
    .digest("hex");
  fingerprints.set(data, hash);
  return hash;
}
