import { rm } from "node:fs/promises";
import { join, posix } from "node:path";
import * as v from "valibot";
import { TangentLabError } from "../errors.js";
import { checkpointFiles, type Json } from "../io/checkpoint.js";
import { claimFolder, shareFolder } from "../io/claim.js";
import { isThere, readBytesIfThere, writeFileAtomically } from "../io/files.js";
import { parseJson } from "../io/json.js";
import { filesOf } from "../io/mark.js";

type Settings = { readonly [name: string]: Json };

/** Reports of version 0.1 have no mark. */
const isReport = (entries: readonly string[]): boolean =>
  entries.some((name) => name === "settings.json" || name === "plan.json") &&
  entries.some((name) => name === "checkpoints" || name === "runs");

/** Files of a report that say what decides it. */
const settingsFiles = ["settings.json", "plan.json"] as const;
type SettingsFile = (typeof settingsFiles)[number];

/** The command that wrote such a file. */
function writerOf(name: SettingsFile, { study }: Record<string, unknown>): string {
  if (name === "settings.json") return "compare";
  return typeof study === "string" ? `experiment ${study}` : "softrepa";
}

/** Checks that a folder has no report of another command, which this one's would replace. A damaged file says nothing of it. */
async function checkWriter(out: string, name: SettingsFile, settings: Settings): Promise<void> {
  const own = writerOf(name, settings);
  for (const file of settingsFiles) {
    const path = join(out, file);
    const saved = (await isThere(path)) && (await before(path).catch(() => undefined));
    const other = saved ? writerOf(file, saved) : own;
    if (other === own) continue;
    throw new TangentLabError("invalid-argument", `${out} has the report of \`tangent-lab ${other}\``, {
      argument: "--out",
      given: out,
      allowed: `another folder for \`tangent-lab ${own}\``,
    });
  }
}

/** In a report's folder until its run has come to its end. */
const unfinished = ".unfinished";

/**
 * Takes a report's folder until the run or the process ends, and writes the run's settings into it. This comes before any work: a folder that is not ours, is in use by
 * another process or cannot be written to is found now and not after minutes of training.
 * @param resume true continues what is there, only if that run has the same settings; false begins anew, unless a run is there that was interrupted; undefined is for
 * reports whose runs are found by what decides them: none of them is ever replaced.
 * @returns What to call when the run has come to its end: from then on, a new one may take its place.
 * @throws TangentLabError `file-system`; `invalid-argument` for another command's report, a run with other settings or an interrupted one, which are left as they are.
 */
export async function claimReport(
  out: string,
  name: SettingsFile,
  settings: Settings,
  { resume }: { resume?: boolean } = {},
): Promise<() => Promise<void>> {
  const release = await claimFolder(out, isReport);
  const path = join(out, name);
  try {
    await checkWriter(out, name, settings);
    if (resume) checkSame(path, await before(path), settings);
    else if (resume === false) await checkEnded(out);
    // In this order: a kill between the two leaves an ended run, which a new one may replace, and not an interrupted one of other settings, which nothing continues.
    await writeFileAtomically(path, `${JSON.stringify(settings, null, 2)}\n`);
    if (resume !== undefined) await writeFileAtomically(join(out, unfinished), "");
  } catch (error) {
    await release();
    throw error;
  }
  return async () => {
    await rm(join(out, unfinished), { force: true });
    await release();
  };
}

/** Checks that no training would be lost that another command could continue. */
async function checkEnded(out: string): Promise<void> {
  // Versions before 0.2 left no word of it: theirs ended if there is a report.
  const ended = !(await isThere(join(out, unfinished))) && (await isThere(join(out, "index.html")));
  if (ended || !(await hasCheckpoint(join(out, "checkpoints")))) return;
  throw new TangentLabError("invalid-argument", `${out} holds a run that was interrupted`, {
    argument: "--out",
    given: out,
    allowed: "another folder; or --resume, which continues that run; or the folder without its checkpoints",
  });
}

async function hasCheckpoint(folder: string): Promise<boolean> {
  const names: readonly string[] = checkpointFiles;
  return (await filesOf(folder)).some((path) => names.includes(posix.basename(path)));
}

/**
 * Takes part in a report's folder beside other processes: as `claimReport` with `resume`, but keeps nobody out.
 * @throws TangentLabError `file-system`; `invalid-argument` for a run with other settings, which are left as they are.
 */
export async function joinReport(out: string, name: "plan.json", settings: Settings): Promise<void> {
  await shareFolder(out, isReport);
  await checkWriter(out, name, settings);
  const path = join(out, name);
  checkSame(path, await before(path), settings, "--out");
  await writeFileAtomically(path, `${JSON.stringify(settings, null, 2)}\n`);
}

async function before(path: string): Promise<Record<string, unknown>> {
  const bytes = await readBytesIfThere(path);
  if (!bytes) return {};
  const schema = v.record(v.string(), v.unknown());
  return parseJson(new TextDecoder().decode(bytes), schema, path, (why, cause) => {
    return new TangentLabError("corrupt-file", why, { argument: "out", cause });
  });
}

/** @param saved May be of a version that kept less. */
function checkSame(
  path: string,
  saved: Record<string, unknown>,
  settings: Settings,
  argument = "--resume",
): void {
  for (const [name, value] of Object.entries(settings)) {
    const [given, was] = [JSON.stringify(value), JSON.stringify(saved[name])];
    if (was === undefined || given === was) continue;
    throw new TangentLabError("invalid-argument", `${path} is of a run with another ${name}`, {
      argument,
      given: `${name} = ${given}`,
      allowed: `${name} = ${was.slice(0, 200)}, as there, or another --out`,
    });
  }
}
