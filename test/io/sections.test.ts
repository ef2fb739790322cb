import { lstat, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
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

test("all around a section stays as it was, to the byte: its mark of UTF-8, its line ends; another encoding is refused", async () => {
  const path = join(folder, "marked.md");
  await writeFile(path, "\ufeffa\r\n<!-- x:start -->\r\nold\r\n<!-- x:end -->\r\n");
  await updateSection(path, "x", "new");
  assert.is(await readFile(path, "utf8"), "\ufeffa\r\n<!-- x:start -->\nnew\n<!-- x:end -->\r\n");
  const latin = Buffer.from("caf\u00e9\n<!-- x:start -->\n<!-- x:end -->\n", "latin1");
  await writeFile(path, latin);
  for (const each of [() => checkSection(path, "x"), () => updateSection(path, "x", "new")])
    assert.match(
      (await rejection(each())).message,
      /marked\.md is no text in UTF-8; allowed: a file in UTF-8/,
    );
  assert.ok((await readFile(path)).equals(latin));
});

test("a link to a file stays one, and so do the file's permissions", async () => {
  const [path, link] = [join(folder, "own.md"), join(folder, "link.md")];
  await writeFile(path, "<!-- x:start -->\n<!-- x:end -->\n", { mode: 0o640 });
  await symlink(path, link);
  await updateSection(link, "x", "new");
  assert.ok((await lstat(link)).isSymbolicLink());
  assert.match(await readFile(path, "utf8"), "new");
  if (process.platform !== "win32") assert.is((await lstat(path)).mode & 0o777, 0o640);
});

test.run();
