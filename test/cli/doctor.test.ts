import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { chosenEngine } from "../../src/cli/doctor/chosen.js";
import type { Diagnosis } from "../../src/cli/doctor/diagnosis.js";
import { stateOf } from "../../src/cli/doctor/engines.js";
import { inWords } from "../../src/cli/doctor/in-words.js";
import { run } from "../../src/cli/doctor/run.js";
import { withoutHome } from "../../src/cli/doctor/tilde.js";
import { notebooksIn } from "../../src/cli/notebook/kernels.js";
import { deviceVariable } from "../../src/engine/device.js";
import { tolerances } from "../../src/verify/case.js";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

let folder: string;
test.before.each(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "tangent-lab-doctor-")));
});
test.after.each(() => rm(folder, { recursive: true }));

const doctor = (
  args: string[],
  env: NodeJS.ProcessEnv = {},
): { status: number | null; out: string; errors: string } => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...process.execArgv, main, "doctor", ...args],
    {
      encoding: "utf8",
      env: { ...process.env, ...env },
    },
  );
  return { status, out: stdout, errors: stderr };
};

test("doctor --json: each engine that is here is checked and timed, and nothing says whose machine it is", async () => {
  await mkdir(join(folder, "cache", "tangent-lab", "weights"), { recursive: true });
  await writeFile(join(folder, "cache", "tangent-lab", "weights", "a"), "12345");
  // A home in which everything is, our cache too.
  const env = {
    HOME: folder,
    USERPROFILE: folder,
    XDG_CACHE_HOME: join(folder, "cache"),
    [deviceVariable]: "onnx",
  };
  const { status, out, errors } = doctor(["--json"], env);
  assert.is(status, 0, errors);
  assert.not.match(out, folder);
  const { engines, chosen, cache, versions, environment } = JSON.parse(out) as Diagnosis;
  const byName = new Map(engines.map((each) => [each.engine, each]));
  assert.equal([...byName.keys()], ["onnx:cpu", "onnx:webgpu", "onnx:cuda", "tensorflow", "wasm", "cpu"]);
  for (const name of ["onnx:cpu", "wasm", "cpu"]) {
    const { state, checks, stepsPerSecond } = byName.get(name)!;
    assert.is(state, "works", name);
    assert.ok(stepsPerSecond! > 0);
    assert.equal(
      checks.map(({ quantity, tolerance }) => [quantity, tolerance]),
      [
        ["value", tolerances.value],
        ["gradient", tolerances.gradient],
      ],
    );
  }
  assert.ok(
    byName.get("onnx:cpu")!.checks.some(({ error }) => error! > 0),
    "not the reference itself",
  );
  assert.equal([chosen.engine, chosen.why], ["onnx", `${deviceVariable}=onnx`]);
  assert.match(chosen.description!, /ONNX Runtime/);
  assert.equal(environment, { [deviceVariable]: "onnx" });
  assert.equal(cache, { path: join("~", "cache", "tangent-lab"), files: 1, bytes: 5 });
  assert.is(versions.node, process.versions.node);
});

test("the check of an engine that is not known: one line, exit code 2", () => {
  const { status, errors } = doctor(["--probe", "abacus"]);
  assert.is(status, 2);
  assert.match(errors, /^error: invalid engine; given: "abacus"; allowed: .*onnx.*\n$/);
});

test("an engine that cannot be chosen is reported, with the reason", async () => {
  const before = process.env[deviceVariable];
  try {
    process.env[deviceVariable] = "abacus";
    const { engine, why } = await chosenEngine();
    assert.is(engine, null);
    assert.match(why, /invalid TANGENT_LAB_ENGINE; given: "abacus"/);
    delete process.env[deviceVariable];
    const chosen = await chosenEngine();
    // On a machine with a GPU it may be that.
    assert.match(chosen.why, /^the first of onnx:cuda, onnx:webgpu, onnx, tensorflow, wasm, cpu that starts/);
    assert.match(chosen.engine!, /^onnx/);
    if (chosen.engine === "onnx") assert.match(chosen.why, /; onnx:cuda .+; onnx:webgpu .+$/);
  } finally {
    if (before === undefined) delete process.env[deviceVariable];
    else process.env[deviceVariable] = before;
  }
});

const answer = (error: number | null): string =>
  JSON.stringify({
    description: "an engine",
    checks: [{ quantity: "value", error, tolerance: 1e-4 }],
    stepsPerSecond: 10,
  });

const ran = { code: 0, out: "", errors: "", late: false };

for (const [what, process, state, note] of [
  ["right", { ...ran, out: `a library's banner\n${answer(1e-4)}\n` }, "works", "an engine"],
  ["off", { ...ran, out: answer(1.1e-4) }, "off", "an engine"],
  ["not a number", { ...ran, out: answer(null) }, "off", "an engine"],
  [
    "refused",
    { ...ran, code: 2, errors: "error: a library's\nerror: no GPU\nat the end\n" },
    "fails",
    "no GPU",
  ],
  [
    "of a GPU that does not start",
    {
      ...ran,
      code: 2,
      errors:
        'error: the engine onnx:cuda does not start: the driver finds no GPU; given: "onnx:cuda"; allowed: auto\n',
    },
    "fails",
    "the driver finds no GPU",
  ],
  ["of a crash", { ...ran, code: 1, errors: "Error: x\n    at y" }, "fails", "    at y"],
  ["killed", { ...ran, code: null }, "fails", "its process ended without a word (null)"],
  ["late", { ...ran, code: null, late: true }, "fails", "no answer in 120 s"],
] as const)
  test(`a check that is ${what}: ${state}`, () => {
    const found = stateOf("wasm", process);
    assert.equal([found.engine, found.state, found.note], ["wasm", state, note]);
    assert.is(found.stepsPerSecond, state === "fails" ? null : 10);
  });

test("a command that hangs is ended, and one that is not there is no crash", async () => {
  const hanging = await run([process.execPath, "-e", "setInterval(() => {}, 1000)"], 300);
  assert.equal([hanging.code, hanging.late], [null, true]);
  const absent = await run([join(folder, "nothing")], 1000);
  assert.is(absent.code, null);
  assert.match(absent.errors, "ENOENT");
});

test("the home folder is written as ~, wherever it stands, and other folders are left", async () => {
  const home = join(folder, "ann");
  await mkdir(home);
  await symlink(home, join(folder, "link"));
  const data = { path: join(home, "a"), list: [`${home}: full`, 1, null, true], other: `${home}a`, home };
  const expected = { path: join("~", "a"), list: ["~: full", 1, null, true], other: `${home}a`, home: "~" };
  assert.equal(withoutHome(data, home), expected);
  assert.equal(withoutHome(data, join(folder, "link")), expected, "also where links lead");
  assert.is(withoutHome("/usr/lib", "/"), "/usr/lib", "a user without a home");
  assert.is(withoutHome("x/a.b/c", "x/a.b"), "~/c");
  assert.is(withoutHome("x/aab/c", "x/a.b"), "x/aab/c", "a dot is a dot");
});

test("kernels for TypeScript are found with the tslab that each of them starts", async () => {
  if (process.platform === "win32") return console.log("skipped: shell scripts");
  const tslab = join(folder, "packages", "tslab");
  await mkdir(join(tslab, "bin"), { recursive: true });
  await writeFile(join(tslab, "package.json"), JSON.stringify({ name: "tslab", version: "1.2.3" }));
  await writeFile(join(tslab, "bin", "tslab"), "");
  await chmod(join(tslab, "bin", "tslab"), 0o755);
  await mkdir(join(folder, "kernels", "x"), { recursive: true });
  const bin = join(folder, ".venv", "bin");
  await mkdir(bin, { recursive: true });
  await symlink(join(tslab, "bin", "tslab"), join(bin, "tslab"));
  const kernel = (argv: string[]): object => ({
    resource_dir: join(folder, "kernels", "x"),
    spec: { argv, display_name: "TypeScript", language: "typescript" },
  });
  const list = {
    kernelspecs: {
      python3: kernel(["python", "-m", "ipykernel"]),
      own: kernel(["node", "{resource_dir}/../../packages/tslab/bin/tslab", "kernel"]),
      global: kernel(["tslab", "kernel", "--config-path={connection_file}"]),
      removed: kernel(["node", "/nowhere/tslab", "kernel"]),
    },
  };
  const script = `#!/bin/sh\nif [ "$1" = --version ]; then echo 5.6; else echo '${JSON.stringify(list)}'; fi\n`;
  for (const name of ["jupyter-lab", "jupyter-kernelspec"])
    await writeFile(join(bin, name), script, { mode: 0o755 });
  const path = process.env.PATH;
  try {
    process.env.PATH = [bin, path].join(delimiter);
    const found = (): object => ({ path: tslab, version: "1.2.3" });
    assert.equal(await notebooksIn(folder), {
      jupyterlab: "5.6",
      kernels: [
        { name: "own", title: "TypeScript", tslab: found() },
        { name: "global", title: "TypeScript", tslab: found() },
        { name: "removed", title: "TypeScript", tslab: null },
      ],
    });
  } finally {
    process.env.PATH = path;
  }
});

test("in words: a row for each engine, numbers with their meaning, and what is missing", () => {
  const text = inWords({
    machine: { cpu: "a processor", cores: "2" },
    versions: { node: "20.0.0" },
    engines: [
      {
        engine: "onnx:cpu",
        state: "off",
        note: "compiled",
        checks: [
          { quantity: "value", error: 2e-7, tolerance: 1e-4 },
          { quantity: "gradient", error: null, tolerance: 1e-3 },
        ],
        stepsPerSecond: 28.39,
      },
      { engine: "tensorflow", state: "missing", note: "npm install x", checks: [], stepsPerSecond: null },
    ],
    chosen: { engine: null, description: null, why: "nothing starts" },
    convolutions: "gathered",
    threads: "one for each of 2 cores",
    environment: { TANGENT_LAB_ENGINE: "onnx" },
    notebooks: { jupyterlab: null, kernels: [{ name: "ts", title: "TypeScript", tslab: null }] },
    chromium: { path: "/usr/bin/chromium", version: null },
    cache: { path: "~/cache", files: 2, bytes: 3 * 2 ** 20 },
  });
  assert.is(
    text,
    `engine      state    steps/s  values off  gradients off
onnx:cpu    off      28.4     2e-7        NaN            compiled
tensorflow  missing                                      npm install x

chosen              none: nothing starts
convolutions        gathered
threads             one for each of 2 cores
versions            node 20.0.0
machine             cpu a processor, cores 2
TANGENT_LAB_ENGINE  onnx
jupyterlab          missing: pip install jupyterlab
kernel              ts, TypeScript: its tslab is missing
chromium            /usr/bin/chromium, says no version
cache               ~/cache: 2 files, 3.0 MiB`,
  );
});

test.run();
