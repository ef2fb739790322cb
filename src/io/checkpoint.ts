import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import * as v from "valibot";
import * as tree from "../engine/tree.js";
import { check, type ErrorDetails, TangentLabError } from "../errors.js";
import {
  fileSystemError,
  readBytes,
  readBytesIfThere,
  restoreFolder,
  writeFolderAtomically,
} from "./files.js";
import { parseJson, quoted, type Schema } from "./json.js";
import { lock, type Release } from "./lock.js";
import { checkOurs } from "./mark.js";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.js";

/** What JSON can say. */
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
  /**
   * Before any work: that a checkpoint can be written, replaces nothing of the user's, and that no other process writes it, until it is released.
   * @throws TangentLabError `file-system`.
   */
  open(): Promise<Release>;
  /** Replaces the checkpoint that is there. */
  save<Row, State extends tree.Tree>(checkpoint: Checkpoint<Row, State>): Promise<void>;
  /**
   * The checkpoint of a run with this configuration; undefined if there is none.
   * @param like A state of the run; gives names and shapes, and what is frozen in it (features, a teacher), which must be the same.
   * @param row What a recorded row is.
   */
  load<Row extends { step: number }, State extends tree.Tree>(
    config: RunConfig,
    like: State,
    row: Schema<Row>,
  ): Promise<Checkpoint<Row, State> | undefined>;
}

/** Version of the folder's layout and of the names in its configuration. Version 0.1 of the package wrote 1; before 3 the data's fingerprint was not in it. */
const FORMAT = 3;

const stateFile = "state.safetensors";
const rowsFile = "metrics.jsonl";

/** The files of a checkpoint. */
export const checkpointFiles = ["config.json", stateFile, rowsFile] as const;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const headSchema = v.object({
  format: v.number(),
  step: count,
  seconds: v.pipe(v.number(), v.finite(), v.minValue(0)),
  config: v.record(v.string(), v.unknown()),
});

/**
 * A checkpoint as a folder with config.json, state.safetensors and metrics.jsonl, made beside its place and renamed.
 * @param path The folder; undefined: no checkpoint.
 * @param upgrade Turns a configuration of format 1 into one of today's names, where they differ.
 * @throws TangentLabError `invalid-argument` for anything but a path; when it is used, `file-system`, and `corrupt-file` for a folder that is not a whole
 * checkpoint and `invalid-argument` for another run's. Where saving fails, an older checkpoint is as it was.
 */
export function checkpointFolder<Path extends string | undefined>(
  path: Path,
  upgrade: (config: RunConfig) => RunConfig = (config) => config,
): Checkpoints | (Path extends undefined ? undefined : never) {
  const isFolder = path === undefined || (typeof path === "string" && path !== "");
  check(isFolder, "checkpoint", path, "the path of a folder");
  if (path === undefined) return undefined as Path extends undefined ? undefined : never;
  const folder = resolve(path); // without a slash at its end, and the same wherever the process goes
  return {
    open: () => open(folder),
    save: (checkpoint) => save(folder, checkpoint),
    load: (config, like, row) => load(folder, config, like, row, upgrade),
  };
}

/** The lock of a checkpoint is beside it, because the folder itself is replaced. */
function lockOf(folder: string): string {
  const name = basename(folder);
  const short =
    Buffer.byteLength(name) <= 200 ? name : createHash("sha256").update(name).digest("hex").slice(0, 16);
  return join(dirname(folder), `.${short}.lock`);
}

async function open(folder: string): Promise<Release> {
  const release = await lock(lockOf(folder), folder);
  try {
    await checkOurs(folder, checkpointFiles);
    await checkOurs(`${folder}.previous`, checkpointFiles);
    return release;
  } catch (cause) {
    await release();
    throw fileSystemError("write", folder, cause);
  }
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
    [stateFile]: encodeSafetensors(arrays),
    [rowsFile]: rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
  });
}

async function load<Row extends { step: number }, State extends tree.Tree>(
  folder: string,
  config: RunConfig,
  like: State,
  row: Schema<Row>,
  upgrade: (config: RunConfig) => RunConfig,
): Promise<Checkpoint<Row, State> | undefined> {
  await restoreFolder(folder, checkpointFiles);
  const head = await readBytesIfThere(join(folder, "config.json"));
  if (!head) return undefined;
  const { step, seconds, saved } = parseHead(head, folder, config, upgrade);
  // The data first: other data often mean other settings, too.
  for (const name of new Set(["data", "dataset", ...Object.keys(config), ...Object.keys(saved)])) {
    if (JSON.stringify(saved[name]) === JSON.stringify(config[name])) continue;
    if (name === "data" || name === "dataset") throw otherData(folder, config, saved);
    throw another(folder, name, {
      given: `${name} = ${JSON.stringify(config[name])}`,
      allowed: `${name} = ${JSON.stringify(saved[name])?.slice(0, quoted)}, as in the checkpoint, or another folder`,
    });
  }
  if (typeof config.steps === "number" && step > config.steps)
    throw corrupt(folder, `config.json has step ${step} of ${config.steps}`);
  const rows = parseRows(await readBytes(join(folder, rowsFile)), folder, row, step);
  const file = join(folder, stateFile);
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
  config: RunConfig,
  upgrade: (config: RunConfig) => RunConfig,
): { step: number; seconds: number; saved: RunConfig } {
  const text = new TextDecoder().decode(bytes);
  const bad = (why: string, cause?: unknown): TangentLabError => corrupt(folder, why, cause);
  const { format } = parseJson(text, v.object({ format: v.number() }), "config.json", bad);
  if (format !== 1 && format !== 2 && format !== FORMAT)
    throw bad(`config.json has format ${format}; this version reads 1 (of version 0.1), 2 and ${FORMAT}`);
  const { step, seconds, config: written } = parseJson(text, headSchema, "config.json", bad);
  const named = format === 1 ? upgrade(written as RunConfig) : (written as RunConfig);
  // Which data an older checkpoint is of, only their name says.
  const saved = format === FORMAT || config.data === undefined ? named : { ...named, data: config.data };
  return { step, seconds, saved };
}

function parseRows<Row extends { step: number }>(
  bytes: Uint8Array,
  folder: string,
  schema: Schema<Row>,
  step: number,
): Row[] {
  const bad = (why: string, cause?: unknown): TangentLabError => corrupt(folder, why, cause);
  const lines = new TextDecoder().decode(bytes).split("\n").slice(0, -1);
  let before = 0;
  return lines.map((line, i) => {
    const where = `line ${i + 1} of ${rowsFile}`;
    const row = parseJson(line, schema, where, bad);
    if (row.step < before || row.step > step)
      throw bad(`${where} is of step ${row.step}, behind ${before} and in a checkpoint of step ${step}`);
    before = row.step;
    return row;
  });
}

/** The expected data, if a checkpoint was trained on others than the given ones. */
function otherData(folder: string, config: RunConfig, saved: RunConfig): TangentLabError {
  const name = ({ dataset, data }: RunConfig): string =>
    `the dataset ${dataset}${data === undefined ? "" : ` with the fingerprint ${data}`}`;
  return new TangentLabError("invalid-argument", `the checkpoint ${folder} is of a run on other data`, {
    argument: "resume",
    given: name(config),
    allowed: `${name(saved).slice(0, quoted)}, as in the checkpoint, or another folder`,
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
