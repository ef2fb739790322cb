// `npm run kill [-- COUNT [SEED]]`: kills a training with SIGKILL at random moments, which SEED decides (default 0), COUNT times (default 200), resumes it each time, and compares the end with a training that
// was left alone: bit for bit the same model and record.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as random from "../src/engine/random.js";
import { longRun } from "./loop/runs.js";

const script = fileURLToPath(new URL("./loop/resumed-run.ts", import.meta.url));

/** What killing has shown. */
export interface Killed {
  kills: number;
  /** Trainings that came to their end between kills. */
  finished: number;
}

/**
 * Kills trainings that resume until it has killed `count` times.
 * @throws Error at the first one that does not resume, or does not end as one that was left alone.
 */
export async function killTrainings(count: number, seed = 0): Promise<Killed> {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-kill-"));
  try {
    const alone = await longRun();
    const expected = alone.parameters.dataSync();
    // Between the start, before anything is imported, and a little after the end of what a start and the whole training take.
    const moments = random.uniform(random.key(seed), count);
    let [kills, finished, longest, round] = [0, 0, 2000, 0];
    while (kills < count) {
      const checkpoint = join(folder, `run-${round}`);
      const started = performance.now();
      const killed = await runFor(checkpoint, moments[kills]! * longest);
      if (killed) {
        kills++;
        continue;
      }
      longest = 0.5 * longest + 0.6 * (performance.now() - started);
      const { parameters, record } = await longRun({ checkpoint, resume: true });
      const ours = parameters.dataSync();
      if (expected.some((value, i) => value !== ours[i])) throw new Error("the model is another one");
      if (JSON.stringify(record.losses) !== JSON.stringify(alone.record.losses))
        throw new Error("the record is another one");
      finished++;
      round++;
    }
    // The last one may be in the middle of its way.
    const { parameters } = await longRun({ checkpoint: join(folder, `run-${round}`), resume: true });
    const ours = parameters.dataSync();
    if (expected.some((value, i) => value !== ours[i])) throw new Error("the model is another one");
    return { kills, finished };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs the training for so many milliseconds; resolves to whether it was killed before its end. */
function runFor(checkpoint: string, time: number): Promise<boolean> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [...process.execArgv, script, checkpoint], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), time);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (signal === "SIGKILL") done(true);
      else if (code === 0) done(false);
      else fail(new Error(`a training did not resume:\n${errors}`));
    });
  });
}

if (
  process.argv[1] === fileURLToPath(import.meta.url) ||
  resolve(process.argv[1] ?? "") === resolve("test/kill.ts")
) {
  const [count, seed] = [Number(process.argv[2] ?? 200), Number(process.argv[3] ?? 0)];
  const { kills, finished } = await killTrainings(count, seed);
  console.log(`${kills} kills, ${finished} trainings that came to their end as if they had been left alone`);
}
