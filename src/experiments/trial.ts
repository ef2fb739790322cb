import { join } from "node:path";
import * as v from "valibot";
import type { Dataset } from "../../datasets/index.js";
import { TangentLabError } from "../errors.js";
import type { Json } from "../io/checkpoint.js";
import { readBytesIfThere, writeFileAtomically } from "../io/files.js";
import { parseJson, type Schema } from "../io/json.js";
import { lockUnlessHeld } from "../io/lock.js";
import type { ArrayRecord } from "../loop/record.js";
import { arraySchema } from "../loop/record-schema.js";
import { Held, lockOf, type Workplace } from "./prepare.js";
import { trainingName } from "./weights.js";

/** What is kept of a finished trial: what the statistics and charts of a study need. */
export interface TrialResult {
  engine: string;
  /** Of its own work, without what came before. */
  seconds: number;
  /** What was measured when it was over, by the measure's name. */
  values: Record<string, number>;
  /** What was measured over training; null where there was nothing to measure. */
  curves: Record<string, { step: number; value: number | null }[]>;
  /** Parallel share of a random direction; null where none is measured. */
  chance: number | null;
  /** Images at the end; null where none are made. */
  samples: ArrayRecord | null;
  /** What else the study's own part of the report is made from. Default nothing. */
  details?: Json;
}

/** One run of a study: all that decides its result besides the data and the software, and how it is done. */
export interface Trial {
  /** Begins the name of its file. */
  readonly name: string;
  /** For people: what the progress says. */
  readonly label: string;
  readonly dataset: string;
  readonly settings: Json;
  /** Training steps, without those that it shares with other trials. */
  readonly steps: number;
  /** Does the work, or what is left of it, with its checkpoint in the folder `checkpoint`. Undefined where it was stopped. */
  run(data: Dataset, bench: Bench, checkpoint: string): Promise<TrialResult | undefined>;
}

/** A workplace with what the trials of a study share. */
export interface Bench extends Workplace {
  dataset(name: string): Promise<Dataset>;
  /** What was prepared already, by what decides it. */
  prepared: Map<string, Promise<unknown>>;
  /** Hears of steps that need not be done, because a trial is finished. */
  skip(steps: number): void;
}

/** Makes what several trials have in common, once: `what` decides it, JSON. What failed is made again. */
export function once<T>(
  { prepared }: Pick<Bench, "prepared">,
  what: unknown,
  make: () => Promise<T>,
): Promise<T> {
  const key = JSON.stringify(what);
  if (!prepared.has(key))
    prepared.set(
      key,
      make().catch((error: unknown) => {
        prepared.delete(key); // it may be tried again
        throw error;
      }),
    );
  return prepared.get(key) as Promise<T>;
}

/**
 * What became of a trial: its result; diverged, and at which step and why; busy, because another process is at it, or at what it needs; stopped by the bench's signal.
 */
export type Outcome =
  | { readonly kind: "done"; readonly result: TrialResult }
  | { readonly kind: "diverged"; readonly why: string }
  | { readonly kind: "busy" }
  | { readonly kind: "stopped" };

/**
 * Does a trial, or goes on where it was stopped, or reads what is kept of it: `<name>.json` beside the checkpoint's folder `<name>`. Processes that share the
 * bench's folder, also from several machines, share the work: none does what another one is at.
 */
export async function runTrial(trial: Trial, bench: Bench): Promise<Outcome> {
  const { folder, path } = await placeOf(trial, bench);
  const before = await readOutcome(path);
  if (before) {
    bench.skip(trial.steps);
    return before;
  }
  const taken = await lockUnlessHeld(lockOf(folder), folder);
  if (typeof taken !== "function") return { kind: "busy" };
  try {
    // Another process may have done it between the look and the lock.
    const meanwhile = await readOutcome(path);
    if (meanwhile) {
      bench.skip(trial.steps);
      return meanwhile;
    }
    // Trials that need nothing which another process is still preparing come first.
    const result = await trial.run(await bench.dataset(trial.dataset), { ...bench, leave: true }, folder);
    if (result === undefined || bench.signal.aborted) return { kind: "stopped" };
    const text = JSON.stringify({ ...result, values: finite(result.values) });
    await writeFileAtomically(path, `${text}\n`);
    // As others read it: JSON has null for a number that is none.
    return { kind: "done", result: JSON.parse(text) as TrialResult };
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") return { kind: "stopped" };
    if (error instanceof Held) return { kind: "busy" };
    if (!(error instanceof TangentLabError) || error.code !== "not-finite") throw error;
    await writeFileAtomically(path, `${JSON.stringify({ diverged: error.message })}\n`);
    return { kind: "diverged", why: error.message };
  } finally {
    await taken();
  }
}

/** Whether another process is at a trial. */
export async function isBusy(trial: Trial, bench: Pick<Bench, "dataset" | "folder">): Promise<boolean> {
  const { folder } = await placeOf(trial, bench);
  const taken = await lockUnlessHeld(lockOf(folder), folder);
  if (typeof taken !== "function") return true;
  await taken();
  return false;
}

/** Those that are numbers: a measure of samples that are far from all data may be none, and then there is none. */
const finite = (values: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)));

/** What is kept of a trial that was done before, or that diverged. @throws TangentLabError `corrupt-file` for a file that is not a trial's. */
export async function finished(
  trial: Trial,
  bench: Pick<Bench, "dataset" | "folder">,
): Promise<Outcome | undefined> {
  const { path } = await placeOf(trial, bench);
  return readOutcome(path);
}

/** What a trial's file says became of it; undefined where there is none. @throws TangentLabError `corrupt-file`. */
export async function readOutcome(path: string): Promise<Outcome | undefined> {
  const bytes = await readBytesIfThere(path);
  if (!bytes) return undefined;
  const text = new TextDecoder().decode(bytes);
  const kept = parseJson(text, keptSchema, path, (why, cause) => {
    const message = `${why}; delete it to run it anew`;
    return new TangentLabError("corrupt-file", message, { argument: "out", cause });
  });
  return "diverged" in kept ? { kind: "diverged", why: kept.diverged } : { kind: "done", result: kept };
}

const curve = v.array(v.object({ step: v.number(), value: v.nullable(v.number()) }));

const keptSchema = v.union([
  v.strictObject({ diverged: v.string() }),
  v.object({
    engine: v.string(),
    seconds: v.number(),
    values: v.record(v.string(), v.number()),
    curves: v.record(v.string(), v.pipe(curve, v.minLength(1))),
    chance: v.nullable(v.number()),
    samples: v.nullable(arraySchema),
    details: v.optional(v.custom<Json>((value) => value !== undefined)),
  }),
]) satisfies Schema<{ diverged: string } | TrialResult>;

/** Folder of a trial's checkpoint, and the file of what is kept of it. */
async function placeOf(
  { name: begin, dataset, settings }: Trial,
  bench: Pick<Bench, "dataset" | "folder">,
): Promise<{ folder: string; path: string }> {
  const folder = join(bench.folder, await trainingName(begin, await bench.dataset(dataset), settings));
  return { folder, path: `${folder}.json` };
}
