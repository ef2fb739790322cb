import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import {
  appendJsonLine,
  fileSystemError,
  readBytes,
  readJsonLines,
  restoreFolder,
  writeFileAtomically,
  writeFolderAtomically,
} from "../../src/io/files.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string }>("files");
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

const text = (...path: string[]): string => readFileSync(join(...path), "utf8");

test("a file is written with the folders above it, and replaced, and nothing else is left", async ({
  folder,
}) => {
  const path = join(folder, "a", "b", "c.txt");
  await writeFileAtomically(path, "first");
  await writeFileAtomically(path, new Uint8Array([104, 105]));
  assert.is(text(path), "hi");
  assert.equal(readdirSync(join(folder, "a", "b")), ["c.txt"]);
});

test("a file that cannot be written: file-system error, nothing half-written", async ({ folder }) => {
  mkdirSync(join(folder, "taken", "by"), { recursive: true });
  const error = await rejection(writeFileAtomically(join(folder, "taken"), "text"));
  assert.is(error.code, "file-system");
  assert.match(error.message, /cannot write .*taken: it is a folder \(EISDIR\)/);
  assert.equal(readdirSync(folder), ["taken"]);

  writeFileSync(join(folder, "file"), "text");
  assert.match(
    (await rejection(writeFileAtomically(join(folder, "file", "below"), "x"))).message,
    "a file is where a folder should be",
  );
});

test("a write that fails half-way leaves the old file and nothing beside it", async ({ folder }) => {
  // The shell's limit on file sizes stands for a full disk: the first part of the write succeeds, the rest fails.
  const path = join(folder, "state");
  writeFileSync(path, "old");
  const script = `
    import { writeFileAtomically } from ${JSON.stringify(new URL("../../src/io/files.ts", import.meta.url).href)};
    await writeFileAtomically(${JSON.stringify(path)}, new Uint8Array(64 << 20)).catch((e) => console.log(e.code, e.message));`;
  const { stdout } = spawnSync(
    "bash",
    [
      "-c",
      'ulimit -f 32768; exec "$0" "$@"',
      process.execPath,
      ...process.execArgv,
      "--input-type=module",
      "-e",
      script,
    ],
    { encoding: "utf8", cwd: new URL("../..", import.meta.url) },
  );
  assert.match(stdout, /^file-system cannot write .*state: the file would be larger than allowed \(EFBIG\)/);
  assert.is(text(path), "old");
  assert.equal(readdirSync(folder), ["state"]);
});

test("full, read-only and other disk errors are named in words", () => {
  for (const [code, words] of [
    ["ENOSPC", "the disk is full (ENOSPC)"],
    ["EROFS", "the disk is read-only (EROFS)"],
    ["EACCES", "no permission (EACCES)"],
    ["EWHATEVER", "strange (EWHATEVER)"],
  ] as const) {
    const error = fileSystemError("write", "x/y", Object.assign(new Error("strange"), { code }));
    assert.is(error.code, "file-system");
    assert.is(error.message, `cannot write x/y: ${words}`);
  }
  const inner = new TangentLabError("corrupt-file", "inner");
  assert.is(fileSystemError("read", "x", inner), inner);
});

test("a missing file: file-system error with its path", async ({ folder }) => {
  const error = await rejection(readBytes(join(folder, "missing")));
  assert.is(error.code, "file-system");
  assert.match(error.message, /cannot read .*missing: it does not exist/);
});

test("a folder is replaced as a whole", async ({ folder }) => {
  const target = join(folder, "checkpoint");
  await writeFolderAtomically(target, { "a.txt": "1", "b.txt": "2" });
  await writeFolderAtomically(target, { "a.txt": "3" });
  assert.equal(readdirSync(target), ["a.txt"]);
  assert.is(text(target, "a.txt"), "3");
  assert.equal(readdirSync(folder), ["checkpoint"]);
});

test("a folder that cannot be completed leaves the old one", async ({ folder }) => {
  const target = join(folder, "checkpoint");
  await writeFolderAtomically(target, { "a.txt": "old" });
  const error = await rejection(writeFolderAtomically(target, { "a.txt": "new", "missing/b.txt": "" }));
  assert.is(error.code, "file-system");
  assert.is(text(target, "a.txt"), "old");
  assert.equal(readdirSync(folder), ["checkpoint"]);
});

test("a kill between the two renames is put right", async ({ folder }) => {
  const target = join(folder, "checkpoint");
  const write = (name: string, content: string): void => {
    mkdirSync(name);
    writeFileSync(join(name, "a.txt"), content);
  };
  write(`${target}.previous`, "old"); // killed after the first rename
  await restoreFolder(target);
  assert.is(text(target, "a.txt"), "old");
  write(`${target}.previous`, "older"); // killed after the second rename
  await restoreFolder(target);
  assert.is(text(target, "a.txt"), "old");
  assert.not(existsSync(`${target}.previous`));
});

test("JSON lines: what is appended is read; a line cut short at the end is skipped, elsewhere it is corrupt", async ({
  folder,
}) => {
  const path = join(folder, "run", "metrics.jsonl");
  await appendJsonLine(path, { step: 1, loss: 0.5 });
  await appendJsonLine(path, { step: 2, loss: Number.NaN });
  const records = [
    { step: 1, loss: 0.5 },
    { step: 2, loss: null },
  ];
  assert.equal(await readJsonLines(path), records);
  writeFileSync(path, '{"step":', { flag: "a" });
  assert.equal(await readJsonLines(path), records);
  writeFileSync(path, '\n{"step":4}\n', { flag: "a" });
  const error = await rejection(readJsonLines(path));
  assert.is(error.code, "corrupt-file");
  assert.match(error.message, /metrics.jsonl: line 3 is not JSON/);
});

test.run();
