import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { replaceFolder } from "../../build/folder.js";
import { markName } from "../../src/io/mark.js";
import { rejection } from "../rejection.js";

let folder: string;
let site: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "tangent-lab-site-folder-"));
  site = join(folder, "site");
});
test.after.each(() => rmSync(folder, { recursive: true }));

const fill =
  (text: string) =>
  (out: string): Promise<void> =>
    writeFile(join(out, "index.html"), text);
const made = (): string => readFileSync(join(site, "index.html"), "utf8");

test("what a killed run left is taken up: the old folder from where it was put aside, and its litter goes", async () => {
  await replaceFolder(site, fill("old"));
  renameSync(site, `${site}.previous`);
  const failed = replaceFolder(site, () => Promise.reject(new Error("no pages")));
  assert.is(await failed.catch((error: Error) => error.message), "no pages");
  assert.is(made(), "old");
  assert.equal(readdirSync(folder), ["site"]);
});

test("two runs at once: the second is told, and the first one's folder is whole", async () => {
  await replaceFolder(site, async (out) => {
    const error = await rejection(replaceFolder(site, fill("second")));
    assert.match(error.message, /site is in use by process/);
    await fill("first")(out);
  });
  assert.is(made(), "first");
});

test("a file of the user's in a folder of the site is found, as deep as it may be", async () => {
  const pages = async (out: string): Promise<void> => {
    mkdirSync(join(out, "docs", "more"), { recursive: true });
    for (const path of ["index.html", "docs/a.html", "docs/more/b.html"]) writeFileSync(join(out, path), "");
  };
  await replaceFolder(site, pages);
  await replaceFolder(site, pages);
  rmSync(join(site, "docs", "a.html")); // what is missing is no harm
  await replaceFolder(site, pages);
  for (const path of ["docs/notes.txt", "docs/more/notes.txt"]) {
    writeFileSync(join(site, path), "mine");
    const error = await rejection(replaceFolder(site, pages));
    assert.match(error.message, `holds "${path}", which tangent-lab did not write`);
    assert.is(readFileSync(join(site, path), "utf8"), "mine");
    rmSync(join(site, path));
  }
  symlinkSync(folder, join(site, "docs", "link"));
  assert.match((await rejection(replaceFolder(site, pages))).message, /holds "docs\/link"/);
  rmSync(join(site, "docs", "link"));
  // The mark of a version that did not look into folders.
  const mark = join(site, markName);
  writeFileSync(mark, readFileSync(mark, "utf8").replace(/^docs\/.*\n/gm, ""));
  await replaceFolder(site, pages);
});

test("of a link the folder is made that it leads to, and nothing of the user's is replaced", async () => {
  mkdirSync(join(folder, "elsewhere"));
  symlinkSync(join(folder, "elsewhere"), site);
  await replaceFolder(site, fill("one"));
  await replaceFolder(site, fill("two"));
  assert.ok(lstatSync(site).isSymbolicLink());
  assert.is(readFileSync(join(folder, "elsewhere", "index.html"), "utf8"), "two");
  writeFileSync(join(folder, "elsewhere", "notes.txt"), "mine");
  assert.match((await rejection(replaceFolder(site, fill("three")))).message, /holds "notes\.txt"/);
  const file = join(folder, "letter");
  writeFileSync(file, "mine");
  for (const taken of [file, folder])
    assert.is((await rejection(replaceFolder(taken, fill("")))).code, "file-system");
  assert.ok(existsSync(file));
  assert.is(made(), "two");
});

test.run();
