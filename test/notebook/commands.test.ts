import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../../notebooks/jupyter.js";
import { findTslab, loadTslab, type Tslab } from "../../src/cli/kernel/tslab.js";
import { initCommand } from "../../src/cli/notebook/init-command.js";
import { installKernel, listKernels, removeKernel } from "../../src/cli/notebook/kernel-command.js";
import { kernelName, requireTslab, userKernels } from "../../src/cli/notebook/kernelspec.js";
import { labCommand } from "../../src/cli/notebook/lab-command.js";
import { rejection } from "../rejection.js";

// `tangent-lab lab`, `init` and `kernel` with made-up programs on a made-up PATH.

let folder = "";
let bin = "";
const env = { ...process.env };
const cwd = process.cwd();

test.before.each(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "tangent-lab-commands-")));
  bin = join(folder, "bin");
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, "node"));
  // The commands take where they are from the process: for a user whose home it is, with nothing but what is made up.
  setEnvironment({ PATH: bin, HOME: folder, USERPROFILE: folder });
  process.chdir(folder);
});
test.after.each(() => {
  setEnvironment(env);
  process.chdir(cwd);
  rmSync(folder, { recursive: true });
});

/** In place: the system's functions do not see another object. */
function setEnvironment(variables: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, variables);
}

/** A program that prints its version, and else does something. */
function program(name: string, version: string, otherwise: string): void {
  const script = `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; else ${otherwise}; fi\n`;
  writeFileSync(join(bin, name), script, { mode: 0o755 });
}

/** What a command prints. */
async function printed(command: () => Promise<unknown>): Promise<string> {
  const { log } = console;
  const lines: string[] = [];
  console.log = (line: string) => lines.push(line);
  try {
    await command();
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

/** That a command throws one clear sentence, for which the command line ends with exit code 2, and prints nothing. @param lines Of the message. */
async function refused(command: () => Promise<unknown>, expected: RegExp, lines = 1): Promise<void> {
  const out = await printed(async () => {
    const error = await rejection(command());
    assert.match(error.message, expected);
    assert.is(error.message.split("\n").length, lines, error.message);
  });
  assert.is(out, "");
}

const here = { sysPrefix: false, prelude: false };
const plain = { prelude: false };
const ours = (): string => join(userKernels({}, process.platform, folder), kernelName);
const clone = root.replace(/[\\/]$/, "");

test("lab without Jupyter says in two lines how to get it", () =>
  refused(() => labCommand([], plain), /JupyterLab was not found.*\n.*pip install jupyterlab/, 2));

test("the command line says it, too, with exit code 2", () => {
  const main = join(root, "dist", "src", "cli", "main.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, "lab"], { encoding: "utf8" });
  assert.equal([status, stdout], [2, ""]);
  assert.match(stderr, /^error: JupyterLab was not found/);
});

test("lab with an old JupyterLab says so", async () => {
  program("jupyter-lab", "3.6.7", "false");
  const expected = /jupyter-lab is JupyterLab 3\.6\.7, which is too old; allowed: 4 or later: pip install/;
  await refused(() => labCommand([], plain), expected);
});

test("lab starts JupyterLab here, with the project's kernels and ours, and hands on arguments and exit code", async () => {
  const list = "for each in $JUPYTER_PATH; do [ -d $each ] && echo $each/kernels/*; done";
  program("jupyter-lab", "4.2.0", `(echo $JUPYTER_PATH; echo $*; IFS=:; ${list}) > called; exit 3`);
  process.env.JUPYTER_PATH = "/other";
  assert.is(await labCommand(["a.ipynb", "--no-browser", "--port=1"], plain), 3);
  const [path, args, kernel] = readFileSync("called", "utf8").trim().split("\n");
  const [own, temporary, other] = path!.split(delimiter);
  assert.equal([own, other], [join(folder, ".jupyter"), "/other"]);
  assert.match(args!, /^(--allow-root )?a\.ipynb --no-browser --port=1$/);
  assert.is(kernel, join(temporary!, "kernels", kernelName));
  assert.not.ok(existsSync(temporary!), "the kernel's folder is gone with JupyterLab");
});

test("init writes a project into a folder that is missing or empty, and into no other", async () => {
  mkdirSync("empty");
  for (const name of ["new", "empty", join("Über", "Zwei Worte!")]) {
    assert.match(await printed(() => initCommand(name)), /npm install/);
    assert.equal(readdirSync(name).sort(), [".gitignore", "first.ipynb", "first.ts", "package.json"]);
    const { dependencies, name: called } = JSON.parse(readFileSync(join(name, "package.json"), "utf8"));
    assert.match(called, /^[a-z0-9][a-z0-9._-]*$/);
    assert.is(dependencies["tangent-lab"], `file:${clone}`, "of a clone, the clone");
  }
  const before = readFileSync(join("new", "first.ts"));
  await refused(
    () => initCommand("new"),
    /new is not empty; given: ".*"; allowed: a folder that is missing or empty/,
  );
  assert.equal(readFileSync(join("new", "first.ts")), before);
  writeFileSync("file", "");
  await refused(() => initCommand("file"), /file is a file/);
  await refused(() => initCommand(""), /invalid folder; given: ""/);
});

test("kernel install writes a user's kernel, which starts Node and this package by their whole paths; again it renews it", async () => {
  for (const prelude of [true, false]) {
    const out = await printed(() => installKernel({ ...here, prelude }));
    assert.ok(out.includes(ours()), out);
    assert.match(out, /tslab 1\.\d+\.\d+ in /);
    const spec = JSON.parse(readFileSync(join(ours(), "kernel.json"), "utf8"));
    const start = join(ours(), "start.mjs");
    const options = ["--from", clone, ...(prelude ? ["--prelude"] : [])];
    assert.equal(spec.argv, [
      process.execPath,
      "--enable-source-maps",
      start,
      ...options,
      "{connection_file}",
    ]);
    assert.equal([spec.display_name, spec.language], ["TypeScript (tangent-lab)", "typescript"]);
  }
});

test("the kernel that was installed says where it looked for tangent-lab", async () => {
  await printed(() => installKernel(here));
  const args = [join(ours(), "start.mjs"), "--from", join(folder, "gone"), "connection.json"];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.is(status, 2);
  assert.match(stderr, /^error: tangent-lab is not in .*gone: npm install tangent-lab\n$/);
});

test("kernel install and remove leave a kernel alone that is not ours", async () => {
  mkdirSync(ours(), { recursive: true });
  writeFileSync(join(ours(), "kernel.json"), "{}");
  await refused(() => installKernel(here), /holds "kernel\.json", which tangent-lab did not write/);
  await refused(() => removeKernel(here), /is no folder that tangent-lab wrote/);
  assert.is(readFileSync(join(ours(), "kernel.json"), "utf8"), "{}");
});

test("kernel remove takes away what install wrote, and says where there is nothing", async () => {
  const place = { ...here, prefix: "place" };
  await printed(() => installKernel(place));
  const installed = join(folder, "place", "share", "jupyter", "kernels", kernelName);
  assert.ok(existsSync(installed));
  writeFileSync(join(installed, "notes.txt"), "mine");
  await refused(() => removeKernel(place), /holds "notes\.txt", which tangent-lab did not write/);
  rmSync(join(installed, "notes.txt"));
  await printed(() => removeKernel(place));
  assert.not.ok(existsSync(installed));
  await refused(() => removeKernel(place), /there is no kernel in /);
});

test("kernel --sys-prefix is the Python's of the PATH", async () => {
  const inPython = { ...here, sysPrefix: true };
  await refused(() => installKernel(inPython), /Python, for --sys-prefix, was not found/);
  await refused(() => installKernel({ ...inPython, prefix: "x" }), /invalid --prefix; given: "x"/);
  await refused(() => installKernel({ ...here, prefix: "" }), /invalid --prefix; given: ""/);
  program("python3", "3.12", `echo ${join(folder, "python")}`);
  await printed(() => installKernel(inPython));
  assert.ok(existsSync(join(folder, "python", "share", "jupyter", "kernels", kernelName, "kernel.json")));
});

test("kernel list: the kernels for TypeScript, ours and others, and what they lack", async () => {
  await refused(listKernels, /Jupyter, which lists kernels, was not found/);
  await printed(() => installKernel(here));
  const spec = (name: string, argv: string[]): object => ({
    resource_dir: join(ours(), "..", name),
    spec: { argv, display_name: name },
  });
  const { argv } = JSON.parse(readFileSync(join(ours(), "kernel.json"), "utf8"));
  const kernelspecs = {
    [kernelName]: spec(kernelName, argv),
    tslab: spec("tslab", ["no-tslab-here/tslab", "kernel"]),
    old: spec("old", [join(folder, "old-node"), ...argv.slice(1)]),
    python: spec("python", ["python", "-m", "ipykernel"]),
  };
  program("jupyter-kernelspec", "5.6", `echo '${JSON.stringify({ kernelspecs })}'`);
  const [first, second, third, ...more] = (await printed(listKernels)).split("\n");
  assert.match(first!, /^tangent-lab: tangent-lab, ours, in .*; tslab 1\.\d+\.\d+ in [^;]*$/);
  assert.match(second!, /^tslab: tslab, not ours, in .*; its tslab is missing: npm install tslab$/);
  assert.match(third!, /old-node is missing: install it again$/);
  assert.equal(more, []);
});

test("tslab is found in the project first, then beside tangent-lab, then on the PATH; else it is said how to get it", async () => {
  const make = (path: string, version: string): string => {
    mkdirSync(join(path, "bin"), { recursive: true });
    writeFileSync(join(path, "package.json"), JSON.stringify({ name: "tslab", version }));
    writeFileSync(join(path, "bin", "tslab"), "", { mode: 0o755 });
    return path;
  };
  const [project, beside] = [join(folder, "project"), join(folder, "beside")];
  const find = (): Tslab | null => findTslab(project, beside);
  // Unless one is installed for all on this very machine.
  if (find() === null)
    await refused(
      async () => requireTslab(project, beside),
      /tslab, which runs TypeScript in notebooks, was not found; allowed: npm install tslab/,
    );
  symlinkSync(join(make(join(folder, "somewhere", "tslab"), "1.0.1"), "bin", "tslab"), join(bin, "tslab"));
  assert.is(find()?.version, "1.0.1");
  make(join(beside, "node_modules", "tslab"), "1.0.2");
  assert.is(find()?.version, "1.0.2");
  make(join(project, "node_modules", "tslab"), "1.0.3");
  assert.equal(find(), { path: join(project, "node_modules", "tslab"), version: "1.0.3" });
  // What is not tslab as we know it is said before a kernel starts.
  assert.throws(() => loadTslab(find()!), /tslab 1\.0\.3 in .* cannot be used: .*converter/);
});

test("a user's kernels are where Jupyter looks for them on each system", () => {
  const place = (env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string =>
    userKernels(env, platform, "/home/ann").replaceAll("\\", "/");
  assert.is(place({}, "linux"), "/home/ann/.local/share/jupyter/kernels");
  assert.is(place({ XDG_DATA_HOME: "/data" }, "linux"), "/data/jupyter/kernels");
  assert.is(place({}, "darwin"), "/home/ann/Library/Jupyter/kernels");
  assert.is(place({ APPDATA: "/roaming" }, "win32"), "/roaming/jupyter/kernels");
  assert.is(place({ JUPYTER_DATA_DIR: "/mine" }, "darwin"), "/mine/kernels");
});

test.run();
