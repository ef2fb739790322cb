import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as v from "valibot";
import { check, TangentLabError } from "../errors.js";
import { claimFolder } from "../io/claim.js";
import {
  checkPath,
  fileSystemError,
  isMissing,
  isThere,
  readBytes,
  writeFileAtomically,
} from "../io/files.js";
import { parseJson } from "../io/json.js";
import { checkMarked } from "../io/mark.js";
import type { Json } from "../loop/record.js";
import { readOutcome } from "./trial.js";

/** The file of a study's folder that says what decides its trials, and the folder of these. */
export const planFile = "plan.json";
export const runsFolder = "runs";

/** What decides the trials in a study's folder, as its `plan.json` has it: trials of two folders belong together where it is the same. */
export type PlanRecord = {
  study: string;
  quick: boolean;
  seeds: { tune: number[]; report: number[] };
  /** Settings of each cell, by its place. */
  cells: Record<string, Json>;
  /** What computed them: numbers of others differ. */
  engine: string;
  versions: Record<string, string>;
};

/** What `mergeStudies` found. */
export interface Merged {
  plan: PlanRecord;
  /** Trials that are in the joined folder now. */
  trials: number;
  /** Of these, how many were not there before. */
  added: number;
}

/**
 * Joins what several machines finished of one study: copies the finished trials of folders that `experiment` wrote into one. Of a trial that several have, the
 * first is taken; what is in `out` already stays. Trials that are not finished, and their checkpoints, are left where they are.
 * @param folders One or more; of the same study, settings, seeds, engine and versions.
 * @param out A folder that is missing, empty or a study's with the same plan.
 * @throws TangentLabError `file-system` for folders that are missing or not ours; `invalid-argument` for another plan, naming what differs; `corrupt-file` for a
 * damaged trial. Nothing is copied then.
 */
export async function mergeStudies(folders: readonly string[], out: string): Promise<Merged> {
  check(Array.isArray(folders) && folders.length > 0, "folders", folders, "one or more of a study");
  for (const folder of folders) checkPath(folder, "folders");
  checkPath(out, "out");
  const found = new Map<string, string>();
  let plan: PlanRecord | undefined;
  for (const folder of folders) {
    const own = await planOf(folder);
    checkSame(folder, own, folders[0]!, plan ?? own);
    plan ??= own;
    for (const name of await trialsOf(folder))
      if (!found.has(name)) found.set(name, join(folder, runsFolder, name));
  }
  for (const path of found.values()) await readOutcome(path); // its check
  if (await isThere(join(out, planFile))) checkSame(folders[0]!, plan!, out, await planOf(out));
  const release = await claimFolder(out);
  try {
    await writeFileAtomically(join(out, planFile), planText(plan!));
    const there = new Set(await trialsOf(out));
    const added = [...found].filter(([name]) => !there.has(name));
    for (const [name, path] of added)
      await writeFileAtomically(join(out, runsFolder, name), await readBytes(path));
    return { plan: plan!, trials: there.size + added.length, added: added.length };
  } finally {
    await release();
  }
}

/** A plan as its file has it. */
export const planText = (plan: PlanRecord): string => `${JSON.stringify(plan, null, 2)}\n`;

/**
 * The plan of a study's folder.
 * @throws TangentLabError `file-system` for a folder that is missing, not ours or has no plan; `corrupt-file` for a plan that is none.
 */
export async function planOf(folder: string): Promise<PlanRecord> {
  await checkMarked(folder);
  const path = join(folder, planFile);
  const text = new TextDecoder().decode(await readBytes(path));
  return parseJson(text, planSchema, path, (why, cause) => {
    return new TangentLabError("corrupt-file", why, { argument: "folders", cause });
  }) as PlanRecord;
}

const planSchema = v.object({
  study: v.string(),
  quick: v.boolean(),
  seeds: v.object({ tune: v.array(v.number()), report: v.array(v.number()) }),
  cells: v.record(v.string(), v.unknown()),
  engine: v.string(),
  versions: v.record(v.string(), v.string()),
});

/** @throws TangentLabError `invalid-argument` naming the first part in which two folders' plans differ. */
export function checkSame(folder: string, plan: PlanRecord, other: string, before: PlanRecord): void {
  for (const part of ["study", "quick", "engine", "versions", "seeds", "cells"] as const) {
    const [given, allowed] = [JSON.stringify(plan[part]), JSON.stringify(before[part])];
    if (given === allowed) continue;
    throw new TangentLabError(
      "invalid-argument",
      `${folder} and ${other} are of plans with another ${part}`,
      {
        argument: "folders",
        given: `${part} = ${given}`,
        allowed: `${part} = ${allowed.slice(0, 200)}`,
      },
    );
  }
}

/** Files of finished trials: a name and the eight digits of what decides the trial. */
const trialFile = /^[^.].*-[0-9a-f]{8}\.json$/;

async function trialsOf(folder: string): Promise<string[]> {
  const runs = join(folder, runsFolder);
  try {
    return (await readdir(runs)).filter((name) => trialFile.test(name)).sort();
  } catch (cause) {
    const error = fileSystemError("read", resolve(runs), cause);
    if (isMissing(error)) return []; // nothing was begun
    throw error;
  }
}
