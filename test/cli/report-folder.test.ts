import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { claimReport } from "../../src/cli/report-folder.js";
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

test("a report is not written into a folder of the user's", async () => {
  const out = join(folder, "photos");
  mkdirSync(out);
  writeFileSync(join(out, "a.jpg"), "mine");
  const error = await rejection(() => claimReport(out, "plan.json", {}, { resume: false }));
  assert.match(error.message, /photos holds "a\.jpg", which tangent-lab did not write/);
  assert.equal(readdirSync(out), ["a.jpg"]);
});

test.run();
