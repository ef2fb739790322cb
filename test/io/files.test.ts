import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import {
  fileSystemError,
  readBytes,
  removeFolder,
  restoreFolder,
  withFile,
  writeFileAtomically,
  writeFolderAtomically,
} from "../../src/io/files.js";
import { markName } from "../../src/io/mark.js";
import { temporaryName } from "../../src/io/temporary.js";
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
  assert.equal(readdirSync(target).sort(), [".tangent-lab", "a.txt"]);
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
  await restoreFolder(target, ["a.txt"]);
  assert.is(text(target, "a.txt"), "old");
  write(`${target}.previous`, "older"); // killed after the second rename
  await restoreFolder(target, ["a.txt"]);
  assert.is(text(target, "a.txt"), "old");
  assert.not(existsSync(`${target}.previous`));
});

test("a folder goes as a whole: a kill leaves none without its mark, which nobody would replace", async ({
  folder,
}) => {
  const target = join(folder, "checkpoint");
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}.txt`, "text"]));
  await writeFolderAtomically(target, files);
  let done = false;
  const removal = removeFolder(target).then(() => {
    done = true;
  });
  while (!done) {
    if (!existsSync(join(target, markName))) assert.not(existsSync(target));
    await new Promise((next) => setImmediate(next));
  }
  await removal;
  assert.equal(readdirSync(folder), []);
});

test("what killed processes left is removed, what others write or own is not", async ({ folder }) => {
  // A process that is killed while it writes: its file stays.
  const script = `
    import { temporaryName } from ${JSON.stringify(new URL("../../src/io/temporary.ts", import.meta.url).href)};
    import { mkdirSync, writeFileSync } from "node:fs";
    writeFileSync(temporaryName(${JSON.stringify(join(folder, "state"))}), "half");
    mkdirSync(temporaryName(${JSON.stringify(join(folder, "run"))}));
    process.kill(process.pid, "SIGKILL");`;
  spawnSync(process.execPath, [...process.execArgv, "--input-type=module", "-e", script], {
    cwd: new URL("../..", import.meta.url),
  });
  const left = readdirSync(folder);
  assert.is(left.length, 2);
  const others = [
    basename(temporaryName("mine")), // this process is running
    ".state.0a1b2c3d-1-0a1b2c3d.tmp", // another machine's, new
    ".notes.tmp",
    "photo.tmp",
    `.state.${process.pid}.tmp`,
  ];
  for (const name of others) writeFileSync(join(folder, name), "");
  const old = ".state.0a1b2c3d-2-0a1b2c3d.tmp"; // another machine's, old
  writeFileSync(join(folder, old), "");
  utimesSync(join(folder, old), 0, 0);
  await writeFileAtomically(join(folder, "state"), "whole");
  assert.equal(readdirSync(folder).sort(), [...others, "state"].sort());
});

test("names as long as a disk allows", async ({ folder }) => {
  for (const name of ["n".repeat(255), `${"\u00e9".repeat(127)}x`, "\u{1f642}".repeat(63)]) {
    await writeFileAtomically(join(folder, name), "text");
    assert.is(text(folder, name), "text");
    rmSync(join(folder, name));
  }
  await writeFolderAtomically(join(folder, "f".repeat(245)), { a: "1" });
  const error = await rejection(writeFileAtomically(join(folder, "n".repeat(256)), "text"));
  assert.match(error.message, /the name is too long \(ENAMETOOLONG\)/);
});

test("a read-only disk is told as such, also for folders that are to be made", async ({ folder }) => {
  const script = `
    import { writeFileAtomically, writeFolderAtomically } from ${JSON.stringify(new URL("../../src/io/files.ts", import.meta.url).href)};
    const failed = (error) => console.log(error.code, error.message);
    await writeFileAtomically(${JSON.stringify(join(folder, "a", "b", "c"))}, "text").catch(failed);
    await writeFolderAtomically(${JSON.stringify(join(folder, "run"))}, {}).catch(failed);`;
  // A mount in a namespace of its own, which not every machine allows.
  const mount = `mount -t tmpfs -o ro none ${folder} && exec "$0" "$@"`;
  const arguments_ = ["-rm", "bash", "-c", mount, process.execPath, ...process.execArgv];
  const { stdout, stderr } = spawnSync("unshare", [...arguments_, "--input-type=module", "-e", script], {
    encoding: "utf8",
    cwd: new URL("../..", import.meta.url),
  });
  if (/unshare|mount/.test(stderr ?? "unshare")) return;
  const lines = stdout.trim().split("\n");
  assert.is(lines.length, 2, stderr);
  for (const line of lines)
    assert.match(line, /^file-system cannot write .*: the disk is read-only \(EROFS\)/);
});

test("parts of a file, and one that becomes shorter", async ({ folder }) => {
  const path = join(folder, "a");
  writeFileSync(path, "0123456789");
  await withFile(path, async (file) => {
    assert.is(file.size, 10);
    assert.is(Buffer.from(await file.read(2, 5)).toString(), "234");
    assert.is((await file.read(4, 4)).length, 0);
    writeFileSync(path, "01");
    assert.match((await rejection(file.read(0, 10))).message, /cannot read .*a: it has become shorter/);
  });
  assert.match((await rejection(withFile(folder, async () => 0))).message, /it is a folder \(EISDIR\)/);
  assert.match((await rejection(withFile(join(folder, "b"), async () => 0))).message, /it does not exist/);
});

test.run();
