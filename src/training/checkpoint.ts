import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import * as tree from "../engine/tree.js";
import { type ErrorDetails, TangentLabError } from "../errors.js";
import { isMissing, readBytes, restoreFolder, writeFolderAtomically } from "../io/files.js";
import { decodeSafetensors, encodeSafetensors } from "../io/safetensors.js";
import type { TrainState } from "../optim/method.js";
import type { Json, RecordRow } from "./record.js";

/** Version of the folder's layout. */
const FORMAT = 1;

/** What decides a run: a checkpoint is continued only by a run that has the same. */
export type RunConfig = { [name: string]: Json };

export interface Checkpoint {
  config: RunConfig;
  /** Steps done. */
  step: number;
  /** Seconds of training so far. */
  seconds: number;
  /** What was recorded so far. */
  rows: RecordRow[];
  state: TrainState;
}

/**
 * Writes a checkpoint: a folder with config.json, state.safetensors and metrics.jsonl, made beside its place and renamed.
 * @throws TangentLabError `file-system`; an older checkpoint there is then as it was.
 */
export async function saveCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
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

/**
 * Reads a checkpoint for a run with this configuration; undefined where there is none.
 * @param like A state of the run; gives names and shapes, and what is frozen in it (features, a teacher), which must be the same.
 * @throws TangentLabError `corrupt-file` if the folder is not a whole checkpoint, `invalid-argument` if it is another run's.
 */
export async function loadCheckpoint(
  folder: string,
  config: RunConfig,
  like: TrainState,
): Promise<Checkpoint | undefined> {
  await restoreFolder(folder);
  let head: Uint8Array;
  try {
    head = await readBytes(join(folder, "config.json"));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const { step, seconds, saved } = parseHead(head, folder);
  for (const name of new Set([...Object.keys(config), ...Object.keys(saved)])) {
    if (JSON.stringify(saved[name]) === JSON.stringify(config[name])) continue;
    throw another(folder, name, {
      given: `${name} = ${JSON.stringify(config[name])}`,
      allowed: `${name} = ${JSON.stringify(saved[name])}, as in the checkpoint, or another folder`,
    });
  }
  const rows = parseRows(await readBytes(join(folder, "metrics.jsonl")), folder);
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

function parseHead(bytes: Uint8Array, folder: string): { step: number; seconds: number; saved: RunConfig } {
  let head: { format?: unknown; step?: unknown; seconds?: unknown; config?: unknown };
  try {
    head = JSON.parse(new TextDecoder().decode(bytes)) as typeof head;
  } catch (cause) {
    throw corrupt(folder, "config.json is not JSON", cause);
  }
  const { format, step, seconds, config } = head ?? {};
  if (format !== FORMAT)
    throw corrupt(folder, `config.json has format ${JSON.stringify(format)}, not ${FORMAT}`);
  if (
    !Number.isInteger(step) ||
    typeof seconds !== "number" ||
    typeof config !== "object" ||
    config === null
  ) {
    throw corrupt(folder, "config.json lacks step, seconds or config");
  }
  return { step: step as number, seconds, saved: config as RunConfig };
}

function parseRows(bytes: Uint8Array, folder: string): RecordRow[] {
  const lines = new TextDecoder().decode(bytes).split("\n").slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as RecordRow;
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
