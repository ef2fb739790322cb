// `npm run kill [-- COUNT [SEED]]`: kills a training with SIGKILL at random moments, which SEED decides (default 0), COUNT times (default 200), resumes it each time, and compares the end with a training that
// was left alone: bit for bit the same model and record.
import { fork } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
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
  /** Kills that left another checkpoint than they had found. */
  midway: number;
}

/**
 * Kills trainings that resume until it has killed `count` times.
 * @throws Error at the first one that does not resume, or does not end as one that was left alone, and if no kill came in the middle of a training.
 */
export async function killTrainings(count: number, seed = 0): Promise<Killed> {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-kill-"));
  try {
    const alone = await longRun();
    const expected = alone.parameters.dataSync();
    // From when the training begins to when the whole of it ends on this machine, as busy as it is.
    const moments = random.uniform(random.key(seed), count);
    let longest = (await runFor(join(folder, "first"), Number.POSITIVE_INFINITY)).time;
    let [kills, finished, midway, round] = [0, 0, 0, 0];
    while (kills < count) {
      const checkpoint = join(folder, `run-${round}`);
      const before = stepOf(checkpoint);
      const { wasKilled, time } = await runFor(checkpoint, moments[kills]! * longest);
      if (wasKilled) {
        kills++;
        if (stepOf(checkpoint) !== before) midway++;
        continue;
      }
      if (before === 0) longest = time;
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
    if (midway === 0) throw new Error("no kill came in the middle of a training");
    return { kills, finished, midway };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The step of a checkpoint, 0 before there is one. */
function stepOf(checkpoint: string): number {
  const head = join(checkpoint, "config.json");
  return existsSync(head) ? (JSON.parse(readFileSync(head, "utf8")) as { step: number }).step : 0;
}

/** Runs the training for so many milliseconds from its begin; resolves to whether it was killed before its end, and how long it ran. */
function runFor(checkpoint: string, most: number): Promise<{ wasKilled: boolean; time: number }> {
  return new Promise((done, fail) => {
    const child = fork(script, [checkpoint], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    let errors = "";
    child.stderr!.on("data", (chunk) => {
      errors += chunk;
    });
    let begun = Number.NaN;
    let timer: NodeJS.Timeout | undefined;
    child.once("message", () => {
      begun = performance.now();
      if (Number.isFinite(most)) timer = setTimeout(() => child.kill("SIGKILL"), most);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const wasKilled = signal === "SIGKILL";
      if (wasKilled || code === 0) done({ wasKilled, time: performance.now() - begun });
      else fail(new Error(`a training did not resume:\n${errors}`));
    });
  });
}

if (
  process.argv[1] === fileURLToPath(import.meta.url) ||
  resolve(process.argv[1] ?? "") === resolve("test/kill.ts")
) {
  const [count, seed] = [Number(process.argv[2] ?? 200), Number(process.argv[3] ?? 0)];
  const { kills, finished, midway } = await killTrainings(count, seed);
  console.log(
    `${kills} kills, ${midway} of them between checkpoints; ${finished} trainings came to their end as if they had been left alone`,
  );
}
