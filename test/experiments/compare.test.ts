import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { byName } from "../../datasets/index.js";
import { compare } from "../../src/experiments/compare.js";
import type { Workplace } from "../../src/experiments/prepare.js";

const folder = mkdtempSync(join(tmpdir(), "tangent-lab-compare-"));
test.after(() => rmSync(folder, { recursive: true }));

test("a comparison that resumes in the folder of an earlier one does not take its checkpoints for its own", async () => {
  const data = await byName("circle");
  let stop = new AbortController();
  /** Trains to the first event, and stops all with the first consistency model. */
  const follow: Workplace["follow"] = async (run) => {
    const events = run[Symbol.asyncIterator]();
    await events.next();
    if (run.record.kind === "consistency") stop.abort("SIGINT");
    return (await events.return!()).value as Awaited<typeof run>;
  };
  const begin = async (seed: number): Promise<string[]> => {
    stop = new AbortController();
    const place = { folder, resume: true, cache: undefined, signal: stop.signal, follow };
    const options = { quick: true, seed, classConditional: false, models: join(folder, "models"), place };
    assert.is(await compare(data, options), undefined);
    return readdirSync(folder).filter((name) => name.startsWith("circle-pixel"));
  };
  assert.is((await begin(0)).length, 1);
  assert.is((await begin(1)).length, 2);
  assert.is((await begin(1)).length, 2, "its own it goes on with");
});

test.run();
