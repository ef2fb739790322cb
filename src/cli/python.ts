import { existsSync } from "node:fs";
import { join } from "node:path";
import { TangentLabError } from "../errors.js";
import { parseJson, type Schema } from "../io/json.js";
import { run } from "./doctor/run.js";
import { onPath } from "./on-path.js";

/** A program of a project's Python environment in `.venv`. */
export const inVenv = (folder: string, name: string): string =>
  join(folder, ".venv", process.platform === "win32" ? "Scripts" : "bin", name);

/** Milliseconds for a Python on a slow disk to find its packages. */
const patience = 120_000;

/** What is in the folder where the command runs does not count. */
const before = `
import sys
sys.path[:] = [each for each in sys.path if each]
import json
`;

const after = `
print("\\n" + json.dumps(answer))
`;

/**
 * What a Python says of its environment: the one given, or the first with `has` of the `.venv` in this folder, `python3` and `python`; the first of them where none has.
 * @param script sets `answer`.
 * @throws TangentLabError `invalid-argument` for a given Python that is not there, `device-unavailable` where there is none or one does not answer.
 */
export async function askPython<T>(
  given: string | undefined,
  script: string,
  schema: Schema<T>,
  has: (answer: T) => boolean,
): Promise<T> {
  const programs = given === undefined ? usual() : [programOf(given)];
  let first: T | undefined;
  for (const program of programs) {
    const answer = await ask(program, script, schema);
    if (has(answer)) return answer;
    first ??= answer;
  }
  if (first === undefined) throw failed("there is no Python on the PATH", "one by --python");
  return first;
}

function usual(): string[] {
  const venv = inVenv(process.cwd(), "python");
  const programs = [existsSync(venv) ? venv : null, onPath("python3"), onPath("python")];
  return programs.filter((each) => each !== null);
}

function programOf(given: string): string {
  const found = given.includes("/") ? (existsSync(given) ? given : null) : onPath(given);
  if (found !== null) return found;
  throw new TangentLabError("invalid-argument", "there is no such Python", {
    argument: "--python",
    given,
    allowed: "the program of a Python: its path, or its name on the PATH",
  });
}

async function ask<T>(program: string, script: string, schema: Schema<T>): Promise<T> {
  const { code, out, errors, late } = await run([program, "-c", before + script + after], patience);
  const broken = (why: string): TangentLabError =>
    failed(`${program} does not work as a Python (${why.slice(0, 200)})`, "Python 3.8 or later");
  if (late) throw broken(`no answer in ${patience / 1000} s`);
  if (code !== 0) throw broken(errors.trimEnd().split("\n").at(-1) || `exit code ${code}`);
  return parseJson(out.trimEnd().split("\n").at(-1)!, schema, "its answer", broken);
}

const failed = (why: string, allowed: string): TangentLabError =>
  new TangentLabError("device-unavailable", why, { argument: "--python", allowed });
