import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import * as tree from "../engine/tree.js";
import { check, type ErrorDetails, TangentLabError } from "../errors.js";
import { isMissing, readBytes, restoreFolder, writeFolderAtomically } from "./files.js";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.js";

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** What decides a run: a checkpoint is continued only by a run that has the same. */
export type RunConfig = { [name: string]: Json };

/** How far a run has come. */
export interface Checkpoint<Row, State> {
  config: RunConfig;
  /** Steps done. */
  step: number;
  /** Seconds of training so far. */
  seconds: number;
  /** What was recorded so far; JSON. */
  rows: Row[];
  /** The training's state, a tree of tensors. */
  state: State;
}

/** Where a run keeps its checkpoint. */
export interface Checkpoints {
  /** Replaces the checkpoint that is there. */
  save<Row, State extends tree.Tree>(checkpoint: Checkpoint<Row, State>): Promise<void>;
  /**
   * The checkpoint of a run with this configuration; undefined where there is none.
   * @param like A state of the run; gives names and shapes, and what is frozen in it (features, a teacher), which must be the same.
   */
  load<Row, State extends tree.Tree>(
    config: RunConfig,
    like: State,
  ): Promise<Checkpoint<Row, State> | undefined>;
}

/** Version of the folder's layout and of the names in its configuration. Version 0.1 of the package wrote 1. */
const FORMAT = 2;

/**
 * A checkpoint as a folder with config.json, state.safetensors and metrics.jsonl, made beside its place and renamed.
 * @param path The folder; undefined: no checkpoint.
 * @param upgrade Turns a configuration of format 1 into one of today's names, where they differ.
 * @throws TangentLabError `invalid-argument` for what is no path; in use `file-system`, `corrupt-file` for a folder that is not a whole checkpoint and
 * `invalid-argument` for another run's. Where saving fails, an older checkpoint is as it was.
 */
export function checkpointFolder<Path extends string | undefined>(
  path: Path,
  upgrade: (config: RunConfig) => RunConfig = (config) => config,
): Checkpoints | (Path extends undefined ? undefined : never) {
  const isFolder = path === undefined || (typeof path === "string" && path !== "");
  check(isFolder, "checkpoint", path, "the path of a folder");
  if (path === undefined) return undefined as Path extends undefined ? undefined : never;
  return {
    save: (checkpoint) => save(path, checkpoint),
    load: (config, like) => load(path, config, like, upgrade),
  };
}

async function save(folder: string, checkpoint: Checkpoint<unknown, tree.Tree>): Promise<void> {
  const { config, step, seconds, rows, state } = checkpoint;
  const arrays = Object.fromEntries(
    tree
      .flatten(state)
      .map(({ name, tensor }) => [name, { shape: tensor.shape, data: tensor.dataSync() as Float32Array }]),
  );
  await writeFolderAtomically(folder, {
    "config.json": `${JSON.stringify({ format: FORMAT, step, seconds, config }, null, 2)}\n`,
    "state.safetensors": encodeSafetensors(arrays),
    "metrics.jsonl": rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
  });
}

async function load<Row, State extends tree.Tree>(
  folder: string,
  config: RunConfig,
  like: State,
  upgrade: (config: RunConfig) => RunConfig,
): Promise<Checkpoint<Row, State> | undefined> {
  await restoreFolder(folder);
  let head: Uint8Array;
  try {
    head = await readBytes(join(folder, "config.json"));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const { format, step, seconds, saved: written } = parseHead(head, folder);
  const saved = format === 1 ? upgrade(written) : written;
  for (const name of new Set([...Object.keys(config), ...Object.keys(saved)])) {
    if (JSON.stringify(saved[name]) === JSON.stringify(config[name])) continue;
    throw another(folder, name, {
      given: `${name} = ${JSON.stringify(config[name])}`,
      allowed: `${name} = ${JSON.stringify(saved[name])}, as in the checkpoint, or another folder`,
    });
  }
  const rows = parseRows<Row>(await readBytes(join(folder, "metrics.jsonl")), folder);
  const file = join(folder, "state.safetensors");
  const { tensors } = decodeSafetensors(await readBytes(file), file);
  const leaves = tree.flatten(like);
  for (const { name, tensor } of leaves) {
    const stored = tensors[name];
    if (!(stored?.data instanceof Float32Array) || `${stored.shape}` !== `${tensor.shape}`) {
      throw corrupt(folder, `state.safetensors lacks ${name}, float32 [${tensor.shape}]`);
    }
    const [part, frozen] = name.split(".");
    if (part !== "context") continue;
    const own = tensor.dataSync();
    if (stored.data.some((value, i) => value !== own[i])) {
      throw another(folder, frozen!, {
        given: `${frozen} of other numbers`,
        allowed: "the same as in the checkpoint, or another folder",
      });
    }
  }
  const state = tree.unflatten(
    like,
    leaves.map(({ name, tensor }) => tf.tensor(tensors[name]!.data as Float32Array, tensor.shape)),
  );
  return { config, step, seconds, rows, state };
}

function parseHead(
  bytes: Uint8Array,
  folder: string,
): { format: number; step: number; seconds: number; saved: RunConfig } {
  let head: { format?: unknown; step?: unknown; seconds?: unknown; config?: unknown };
  try {
    head = JSON.parse(new TextDecoder().decode(bytes)) as typeof head;
  } catch (cause) {
    throw corrupt(folder, "config.json is not JSON", cause);
  }
  const { format, step, seconds, config } = head ?? {};
  if (format !== 1 && format !== FORMAT)
    throw corrupt(
      folder,
      `config.json has format ${JSON.stringify(format)}; this version reads 1 (of version 0.1) and ${FORMAT}`,
    );
  if (
    !Number.isInteger(step) ||
    typeof seconds !== "number" ||
    typeof config !== "object" ||
    config === null
  ) {
    throw corrupt(folder, "config.json lacks step, seconds or config");
  }
  return { format, step: step as number, seconds, saved: config as RunConfig };
}

function parseRows<Row>(bytes: Uint8Array, folder: string): Row[] {
  const lines = new TextDecoder().decode(bytes).split("\n").slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as Row;
    } catch (cause) {
      throw corrupt(folder, `line ${i + 1} of metrics.jsonl is not JSON`, cause);
    }
  });
}

const another = (folder: string, what: string, details: ErrorDetails): TangentLabError =>
  new TangentLabError("invalid-argument", `the checkpoint ${folder} is of a run with another ${what}`, {
    argument: "resume",
    ...details,
  });

const corrupt = (folder: string, why: string, cause?: unknown): TangentLabError =>
  new TangentLabError(
    "corrupt-file",
    `the checkpoint ${folder} is damaged: ${why}; delete the folder to start anew`,
    {
      argument: "resume",
      cause,
    },
  );
