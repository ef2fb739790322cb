import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { claimReport } from "../../src/cli/report-folder.js";
import { planFile, planOf, planText } from "../../src/experiments/merge.js";
import { readOutcome } from "../../src/experiments/trial.js";
import { checkpointFiles, checkpointFolder } from "../../src/io/checkpoint.js";
import { lock } from "../../src/io/lock.js";
import { firstLine, markName } from "../../src/io/mark.js";
import { rowSchema } from "../../src/loop/record-schema.js";
import { json, type Reader } from "../reader.js";
import { withHeader } from "../safetensors.js";
import { scoped } from "../scoped.js";

const config = { name: "pixel", steps: 4, dataset: "circle", data: "0123" };
const like = () => ({ parameters: tf.zeros([3]), ema: tf.zeros([3]), context: { features: tf.ones([2]) } });

const probes = { ...{ parallel: [0.5, null], normal: [0.5, null], cosine: null, distance: [1, 2] } };
const array = { shape: [2, 1], values: [0.5, -1] };
const rows = [
  { step: 0, curve: { slicedWasserstein: 0.5 }, samples: array },
  { step: 4, losses: { loss: null }, probes: { outputs: array, tangents: array, ...probes } },
];

/** The files of a whole checkpoint. */
async function checkpoint(): Promise<Record<string, Uint8Array>> {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-fuzz-"));
  try {
    const path = join(folder, "run");
    const state = like();
    await checkpointFolder(path).save({ config, step: 4, seconds: 1.5, rows, state });
    tf.dispose(state);
    return Object.fromEntries(
      [...checkpointFiles, markName].map((file) => [file, readFileSync(join(path, file))]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

let whole: Promise<Record<string, Uint8Array>> | undefined;

/** A file of a checkpoint, between the others. */
const partOfCheckpoint = (name: string, file: string, rest: Partial<Reader> = {}): Reader => ({
  name,
  share: 6,
  files: async () => {
    whole ??= checkpoint();
    return [(await whole)[file]!];
  },
  tokens: json,
  ...rest,
  read: async (bytes, folder) => {
    whole ??= checkpoint();
    const path = join(folder, "run");
    mkdirSync(path);
    for (const [each, content] of Object.entries(await whole))
      writeFileSync(join(path, each), each === file ? bytes : content);
    const checkpoints = checkpointFolder(path);
    const release = await checkpoints.open();
    try {
      await scoped(async () => checkpoints.load(config, like(), rowSchema));
    } finally {
      await release();
    }
  },
});

const jsonFile = (name: string, value: unknown, read: (path: string) => Promise<unknown>): Reader => ({
  name,
  files: async () => [Buffer.from(`${JSON.stringify(value)}\n`)],
  tokens: json,
  read: (bytes, folder) => {
    const path = join(folder, "a.json");
    writeFileSync(path, bytes);
    return read(path);
  },
});

/** What decides the trials in a study's folder. */
const plan: Reader = {
  name: "plan",
  files: async () => [
    Buffer.from(
      planText({
        ...{ study: "oscillation", quick: true, seeds: { tune: [0], report: [1, 2] } },
        ...{ cells: { "circle, pixel": { steps: 6 } }, engine: "onnx", versions: { "tangent-lab": "0.1.0" } },
      }),
    ),
  ],
  tokens: json,
  read: (bytes, folder) => {
    writeFileSync(join(folder, markName), `${firstLine}\n`);
    writeFileSync(join(folder, planFile), bytes);
    return planOf(folder);
  },
};

export const runs: Reader[] = [
  plan,
  partOfCheckpoint("checkpoint-config", "config.json"),
  partOfCheckpoint("checkpoint-metrics", "metrics.jsonl"),
  partOfCheckpoint("checkpoint-mark", markName, { tokens: ["../", "notes.txt", "\n", "\0"] }),
  partOfCheckpoint("checkpoint-state", "state.safetensors", {
    damage: (file, change, draw) => (draw(2) ? withHeader(file, change) : change(file)),
  }),
  jsonFile(
    "trial",
    {
      engine: "onnx",
      seconds: 1,
      values: { frechet: 0.5 },
      curves: {
        frechet: [
          { step: 0, value: 1 },
          { step: 4, value: null },
        ],
      },
      chance: 0.5,
      samples: array,
    },
    readOutcome,
  ),
  jsonFile("diverged-trial", { diverged: "the loss is not finite at step 4" }, readOutcome),
  {
    name: "settings",
    share: 8,
    files: async () => [Buffer.from('{\n  "seed": 0,\n  "quick": true,\n  "datasets": ["digits"]\n}\n')],
    tokens: json,
    read: async (bytes, folder) => {
      mkdirSync(join(folder, "runs"));
      writeFileSync(join(folder, "settings.json"), bytes);
      const finish = await claimReport(folder, "settings.json", { seed: 0, quick: true }, { resume: true });
      await finish();
    },
  },
  {
    name: "lock",
    share: 6,
    files: async () => [
      Buffer.from('{"pid": 999999, "host": "elsewhere", "since": "2026-01-01T00:00:00.000Z"}\n'),
      // Of a process that is gone, so that it is taken over: no system gives such a number.
      Buffer.from(
        `${JSON.stringify({ pid: 2 ** 30, host: hostname(), since: "2026-01-01T00:00:00.000Z" })}\n`,
      ),
    ],
    tokens: json,
    read: async (bytes, folder) => {
      writeFileSync(join(folder, ".lock"), bytes);
      const release = await lock(join(folder, ".lock"), folder);
      await release();
    },
  },
];
