import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkSection, updateSection } from "../../src/io/sections.js";
import { rejection } from "../rejection.js";

let folder: string;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-sections-"));
});
test.after(() => rm(folder, { recursive: true }));

test("only the named section is replaced", async () => {
  const path = join(folder, "README.md");
  await writeFile(path, "a\n<!-- x:start -->\nold\n<!-- x:end -->\nb\n<!-- y:start -->\ny\n<!-- y:end -->\n");
  await updateSection(path, "x", "new $& |");
  assert.is(
    await readFile(path, "utf8"),
    "a\n<!-- x:start -->\nnew $& |\n<!-- x:end -->\nb\n<!-- y:start -->\ny\n<!-- y:end -->\n",
  );
});

test("a file without the section, or none at all, is an error that names it", async () => {
  const path = join(folder, "plain.md");
  await writeFile(path, "text");
  assert.match((await rejection(updateSection(path, "x", "new"))).message, /plain\.md has no section x/);
  assert.is(await readFile(path, "utf8"), "text");
  assert.is((await rejection(updateSection(join(folder, "missing.md"), "x", ""))).code, "file-system");
  assert.match((await rejection(checkSection(path, "x"))).message, /plain\.md has no section x/);
  assert.is((await rejection(checkSection(join(folder, "missing.md"), "x"))).code, "file-system");
});

test.run();
