import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { claimReport, joinReport } from "../../src/cli/report-folder.js";
import { checkpointFiles } from "../../src/io/checkpoint.js";
import { lockName } from "../../src/io/claim.js";
import { rejection } from "../rejection.js";

const folder = mkdtempSync(join(tmpdir(), "tangent-lab-report-"));
test.after(() => rmSync(folder, { recursive: true }));

test("a report resumes with the same settings only, and those of another run stay", async () => {
  const out = join(folder, "report");
  const claim = (seed: number, resume: boolean) => claimReport(out, "settings.json", { seed }, { resume });
  await claim(0, false);
  assert.match((await rejection(() => claim(0, true))).message, /report is in use by process/);
  rmSync(join(out, lockName));
  const error = await rejection(() => claim(1, true));
  assert.is(error.argument, "--resume");
  assert.match(error.message, /another seed; given: "seed = 1"; allowed: seed = 0/);
  assert.equal(JSON.parse(readFileSync(join(out, "settings.json"), "utf8")), { seed: 0 });
});

test("an interrupted run is not trained over: --resume or another folder; a finished one is replaced", async () => {
  const out = join(folder, "interrupted");
  const claim = async (resume?: boolean) => {
    rmSync(join(out, lockName), { force: true });
    return claimReport(out, "settings.json", { seed: 0 }, { resume });
  };
  await claim(false); // stopped before anything was trained
  await claim(false);
  const checkpoint = join(out, "checkpoints", "circle", "seed-0");
  mkdirSync(checkpoint, { recursive: true });
  for (const file of checkpointFiles) writeFileSync(join(checkpoint, file), "trained");
  const settings = readFileSync(join(out, "settings.json"), "utf8");
  const error = await rejection(() => claim(false));
  assert.is(error.argument, "--out");
  assert.match(error.message, /interrupted holds a run that was interrupted; .*or --resume, which continues/);
  assert.is(readFileSync(join(out, "settings.json"), "utf8"), settings);
  const finish = await claim(true);
  await finish();
  // One of a version that left no word of its end: it has no report yet, then it has.
  await rejection(() => claim(false));
  writeFileSync(join(out, "index.html"), "");
  const again = await claim(false);
  // The report that is there is the one before this.
  await rejection(() => claim(false));
  await again();
  await claim(false);
  // Of studies, nothing is replaced: they need no such word.
  await claim();
});

test("a report does not replace that of another command", async () => {
  const out = join(folder, "soft tokens");
  const study = { study: "softrepa", seeds: [10] };
  await (await claimReport(out, "plan.json", { seed: 0 }, { resume: false }))();
  const before = readFileSync(join(out, "plan.json"), "utf8");
  for (const claim of [
    () => claimReport(out, "plan.json", study),
    () => joinReport(out, "plan.json", study),
    () => claimReport(out, "settings.json", { seed: 0 }, { resume: false }),
  ]) {
    const error = await rejection(claim);
    assert.is(error.argument, "--out");
    assert.match(
      error.message,
      /has the report of `tangent-lab softrepa`; .*another folder for `tangent-lab/,
    );
    assert.is(readFileSync(join(out, "plan.json"), "utf8"), before);
  }
  const other = join(folder, "study");
  await (await claimReport(other, "plan.json", study))();
  await rejection(() => claimReport(other, "plan.json", { seed: 0 }, { resume: false }));
  await rejection(() => claimReport(other, "plan.json", { ...study, study: "toys" }));
  await (await claimReport(other, "plan.json", { ...study, seeds: [10, 11] }))();
});

test("a report is not written into a folder of the user's", async () => {
  const out = join(folder, "photos");
  mkdirSync(out);
  writeFileSync(join(out, "a.jpg"), "mine");
  const error = await rejection(() => claimReport(out, "plan.json", {}, { resume: false }));
  assert.match(error.message, /photos holds "a\.jpg", which tangent-lab did not write/);
  assert.equal(readdirSync(out), ["a.jpg"]);
});

test.run();
