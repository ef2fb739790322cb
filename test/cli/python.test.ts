import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import { onPath } from "../../src/cli/on-path.js";
import { askPython, inVenv } from "../../src/cli/python.js";
import { rejection } from "../rejection.js";

const windows = process.platform === "win32";
const onUnix = windows ? test.skip : test;
const before = { folder: process.cwd(), path: process.env.PATH };

let folder: string;
test.before.each(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "tangent-lab-python-")));
  process.chdir(folder);
});
test.after.each(async () => {
  process.chdir(before.folder);
  process.env.PATH = before.path;
  await rm(folder, { recursive: true });
});

/** A program that answers so, whatever it is asked. */
async function answering(path: string, answer: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho 'a warning'\necho ${answer}\n`);
  await chmod(path, 0o755);
}

const even = (answer: number): boolean => answer % 2 === 0;
const asked = (given?: string): Promise<number> => askPython(given, "", v.number(), even);

onUnix(
  "the first that has it of .venv, python3 and python; the first where none has; or the one given",
  async () => {
    const bin = join(folder, "bin");
    process.env.PATH = bin;
    assert.match(
      (await rejection(asked())).message,
      /^there is no Python on the PATH; allowed: one by --python/,
    );
    await answering(join(bin, "python"), 4);
    assert.is(await asked(), 4);
    await answering(join(bin, "python3"), 3);
    await answering(inVenv(folder, "python"), 1);
    assert.is(await asked(), 4);
    await answering(join(bin, "python"), 5);
    assert.is(await asked(), 1);
    await answering(join(bin, "python3"), 2);
    assert.is(await asked(), 2);
    assert.is(await asked("python"), 5, "by its name on the PATH");
    assert.is(await asked("./.venv/bin/python"), 1);
  },
);

onUnix("one that is not there, and what is no Python: an error that names it", async () => {
  const absent = await rejection(asked("python9"));
  assert.is(absent.code, "invalid-argument");
  assert.match(absent.message, /^there is no such Python; given: "python9"/);
  const broken = await rejection(asked(folder));
  assert.is(broken.code, "device-unavailable");
  assert.match(
    broken.message,
    /^\/.* does not work as a Python \(.*EACCES\); allowed: Python 3\.8 or later$/,
  );
  const program = join(folder, "python");
  await writeFile(program, "#!/bin/sh\necho '\"four\"'\n", { mode: 0o755 });
  assert.match(
    (await rejection(asked(program))).message,
    /does not work as a Python \(its answer is wrong: /,
  );
});

onUnix("a real one: modules of the current folder are not imported", async () => {
  if (onPath("python3") === null) return console.log("skipped: no python3");
  await writeFile(join(folder, "json.py"), "raise RuntimeError('of the current folder')\n");
  const script = "answer = [each for each in sys.path if not each]\nprint('beside it')";
  assert.equal(await askPython("python3", script, v.array(v.string()), () => true), []);
});

test.run();
