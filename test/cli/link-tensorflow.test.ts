import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Ran } from "../../src/cli/doctor/run.js";
import { linkTensorFlowCommand, type Surroundings } from "../../src/cli/link-tensorflow-command.js";
import { tfjsVersions } from "../../src/engine/tfjs.js";
import { markName } from "../../src/io/mark.js";
import { rejection } from "../rejection.js";

// Environments that are made up: a Python, tools and a package that are scripts and empty files. test/engine/tensorflow.test.ts is about real ones.

let folder: string;
let packageFolder: string;
let lines: string[];
const { log, error: errorLog } = console;
const before = { ...process.env };

const addonFolder = (): string => join(packageFolder, "lib", "napi-v8");
const addon = (): string => join(addonFolder(), "tfjs_binding.node");

const script = async (name: string, text: string): Promise<string> => {
  const path = join(folder, "bin", name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
};

/** A Python that answers so, whatever it is asked. */
const python = (answer: object): Promise<string> =>
  script("python3", `echo warning\necho '${JSON.stringify({ python: "/made/up/python", ...answer })}'`);

async function manifest(version: string): Promise<void> {
  await writeFile(
    join(packageFolder, "package.json"),
    JSON.stringify({ version, binary: { napi_versions: [3, 8] } }),
  );
}

/** A node-gyp that writes this addon, or does something else first. */
async function nodeGyp(content: string, first = ""): Promise<void> {
  const path = join(folder, "node-gyp.js");
  await writeFile(
    path,
    `const { mkdirSync, writeFileSync, readFileSync } = require("fs");
const place = process.argv.find((each) => each.startsWith("--directory=")).slice(12);
const [{ sources, libraries }] = JSON.parse(readFileSync(place + "/binding.gyp", "utf8")).targets;
for (const each of sources) readFileSync(place + "/" + each);
${first}
mkdirSync(place + "/build/Release", { recursive: true });
writeFileSync(place + "/build/Release/tfjs_binding.node", ${JSON.stringify(content)} + libraries[0]);
`,
  );
  process.env.npm_config_node_gyp = path;
}

const ran = { code: 0, out: "", errors: "", late: false };

test.before.each(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "tangent-lab-link-")));
  lines = [];
  console.log = (text: string) => void lines.push(text);
  console.error = () => {};
  packageFolder = join(folder, "node_modules", "@tensorflow", "tfjs-node-gpu");
  await mkdir(join(packageFolder, "binding"), { recursive: true });
  for (const name of ["tfjs_binding.cc", "tfjs_backend.cc"])
    await writeFile(join(packageFolder, "binding", name), "");
  await manifest(tfjsVersions.tfjs!);
  const headers = join(folder, "a b", "tensorflow", "include", "tensorflow");
  for (const name of ["c/c_api.h", "c/eager/c_api.h", "core/platform/ctstring_internal.h"]) {
    await mkdir(dirname(join(headers, name)), { recursive: true });
    await writeFile(join(headers, name), "");
  }
  for (const name of ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"])
    await writeFile(join(folder, "a b", "tensorflow", name), "");
  await mkdir(join(folder, "bin"));
  for (const name of ["c++", "make"]) await script(name, "exit 0");
  await python({ folder: join(folder, "a b", "tensorflow"), version: "2.21.0", cuda: null });
  await nodeGyp("addon ");
  process.env.PATH = join(folder, "bin");
  delete process.env.CXX;
});
test.after.each(async () => {
  Object.assign(console, { log, error: errorLog });
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, before);
  await rm(folder, { recursive: true });
});

const link = (
  args: { python?: string; gpu?: boolean; remove?: boolean } = {},
  surroundings: Partial<Surroundings> = {},
): Promise<void> =>
  linkTensorFlowCommand(
    { gpu: false, remove: false, ...args },
    {
      from: join(folder, "index.js"),
      check: async () => ({ state: "works", note: "TensorFlow 2.21.0, CPU", stepsPerSecond: 12 }),
      loads: async () => ({ ...ran, out: "2.21.0\n" }),
      ...surroundings,
    },
  );

/** Names of what is in the package, and in the system's folder for temporary files. */
const traces = async (): Promise<string[]> => [
  ...(await readdir(packageFolder, { recursive: true })).sort(),
  ...(await readdir(tmpdir())).filter(
    (name) => name.startsWith(".tangent-lab-tensorflow") && name.includes(`-${process.pid}-`),
  ),
];

test("the addon is built from the package's sources and put where the package looks for it; --remove takes it away", async () => {
  const untouched = await traces();
  await link({ python: join(folder, "bin", "python3") });
  assert.is(await readFile(addon(), "utf8"), `addon -Wl,-rpath,'${join(folder, "a b", "tensorflow")}'`);
  assert.match(lines.join("\n"), /linked: TensorFlow 2\.21\.0, CPU, 12\.0 steps\/s/);
  await nodeGyp("another ");
  await link();
  assert.match(await readFile(addon(), "utf8"), /^another /);
  await link({ remove: true });
  assert.ok(lines.includes("removed the addon of @tensorflow/tfjs-node-gpu"));
  assert.equal(
    (await traces()).filter((name) => !name.startsWith("lib")),
    untouched,
  );
  assert.not(existsSync(addonFolder()));
  await link({ remove: true });
  assert.is(lines.at(-1), "nothing was linked");
});

test("a TensorFlow for CUDA and no GPU: it is said", async () => {
  await python({ folder: join(folder, "a b", "tensorflow"), version: "2.21.0", cuda: "12.5.1" });
  await link({ gpu: true });
  assert.ok(lines.includes("no GPU was found: TensorFlow computes on the CPU"), lines.join("\n"));
});

type Change = () => Promise<unknown>;
const tensorflow = (): string => join(folder, "a b", "tensorflow");
const bin = (name: string): string => join(folder, "bin", name);
const failures: [string, Change, { python?: string; gpu?: boolean }, RegExp][] = [
  [
    "a Python that does not exist",
    async () => {},
    { python: "/nowhere/python" },
    /^there is no such Python; given: "\/nowhere\/python"; allowed: /,
  ],
  [
    "a Python that is on no PATH",
    async () => {},
    { python: "python9" },
    /^there is no such Python; given: "python9"/,
  ],
  ["no Python at all", () => rm(bin("python3")), {}, /^there is no Python on the PATH/],
  [
    "a Python that is none",
    () => script("python3", "echo hello"),
    {},
    /python3 does not work as a Python \(its answer is not JSON\)/,
  ],
  [
    "a Python that fails",
    () => script("python3", "echo 'Fatal Python error: no encodings' >&2; exit 1"),
    {},
    /does not work as a Python \(Fatal Python error: no encodings\)/,
  ],
  [
    "a Python without TensorFlow",
    () => python({ folder: null, version: null, cuda: null }),
    {},
    /\/made\/up\/python has no TensorFlow; allowed: one after `\/made\/up\/python -m pip install 'tensorflow-cpu'`/,
  ],
  [
    "a TensorFlow too old",
    () => python({ folder: tensorflow(), version: "2.9.1", cuda: null }),
    {},
    /TensorFlow 2\.9\.1 of \/made\/up\/python is too old; allowed: 2\.12 or later/,
  ],
  [
    "a TensorFlow without CUDA, with --gpu",
    async () => {},
    { gpu: true },
    /built without CUDA; allowed: one after `\/made\/up\/python -m pip install 'tensorflow\[and-cuda\]'`/,
  ],
  [
    "a TensorFlow without its library",
    () => rm(join(tensorflow(), "libtensorflow_cc.so.2")),
    {},
    /TensorFlow 2\.21\.0 in .* lacks libtensorflow_cc\.so\.2/,
  ],
  [
    "a TensorFlow without its headers",
    () => rm(join(tensorflow(), "include"), { recursive: true }),
    {},
    /lacks include\/tensorflow\/c\/c_api\.h/,
  ],
  [
    "no package",
    () => rm(packageFolder, { recursive: true }),
    {},
    /tfjs-node-gpu or @tensorflow\/tfjs-node is not installed beside tangent-lab: `npm install @tensorflow\/tfjs-node-gpu@\S+ --ignore-scripts` installs it/,
  ],
  [
    "a package of another version",
    () => manifest("4.10.0"),
    {},
    /tfjs-node-gpu 4\.10\.0 does not fit TensorFlow\.js/,
  ],
  [
    "a package without sources",
    () => rm(join(packageFolder, "binding"), { recursive: true }),
    {},
    /lacks the addon's sources/,
  ],
  ["no compiler", () => rm(bin("c++")), {}, /^there is no C\+\+ compiler; allowed: .*apt-get install g\+\+/],
  [
    "a compiler of CXX that is not there",
    async () => {
      process.env.CXX = "g++-99 -O2";
    },
    {},
    /the compiler g\+\+-99 of CXX is not there/,
  ],
  ["no make", () => rm(bin("make")), {}, /^there is no make; allowed: .*apt-get install make/],
  [
    "sources that do not compile",
    () =>
      nodeGyp(
        "",
        `console.error("gyp info\\na.cc:3:1: error: no TF_Tensor\\nmake: *** Error 1"); process.exit(1)`,
      ),
    {},
    /the addon does not compile: a\.cc:3:1: error: no TF_Tensor/,
  ],
  [
    "headers of Node that cannot be had",
    () =>
      nodeGyp(
        "",
        `console.error("gyp info\\ngyp ERR! stack FetchError: nodejs.org\\ngyp ERR! not ok"); process.exit(1)`,
      ),
    {},
    /does not compile: FetchError: nodejs\.org/,
  ],
];

for (const [what, change, args, expected] of failures)
  test(`${what}: one sentence, and what was there stays`, async () => {
    await link();
    const there = existsSync(addon()) && (await readFile(addon(), "utf8"));
    await change();
    const state = existsSync(packageFolder) && (await traces());
    const error = await rejection(link(args));
    assert.match(error.message, expected);
    assert.ok(["device-unavailable", "invalid-argument"].includes(error.code), error.code);
    assert.not.match(error.message, "\n");
    if (!state) return;
    assert.equal(await traces(), state);
    assert.is(await readFile(addon(), "utf8"), there);
  });

for (const [what, broken] of [
  [
    "that does not load",
    {
      ...ran,
      code: 1,
      errors: "node:internal\n    throw\nError: libtensorflow_cc.so.2: wrong ELF class\n    at x",
    },
  ],
  ["that crashes", { ...ran, code: null, errors: "" }],
  ["of something else", { ...ran, out: "undefined\n" }],
] as [string, Ran][])
  test(`an addon ${what}: the one before stays`, async () => {
    await link();
    await nodeGyp("broken ");
    const error = await rejection(link({}, { loads: async () => broken }));
    assert.match(
      error.message,
      /the addon does not load with TensorFlow 2\.21\.0 in .*: (Error: libtensorflow_cc\.so\.2: wrong ELF class|it was ended without a word)/,
    );
    assert.match(await readFile(addon(), "utf8"), /^addon /);
  });

test("an addon with which the engine fails is taken out again, and the one before comes back", async () => {
  const check = async (): Promise<{ state: "fails"; note: string; stepsPerSecond: null }> => {
    assert.match(await readFile(addon(), "utf8"), /^broken /, "tried in its place");
    return { state: "fails", note: "no kernel", stepsPerSecond: null };
  };
  await nodeGyp("broken ");
  assert.match((await rejection(link({}, { check }))).message, /the engine does not work with it: no kernel/);
  assert.not(existsSync(addonFolder()));
  await nodeGyp("addon ");
  await link();
  await nodeGyp("broken ");
  await rejection(link({}, { check }));
  assert.match(await readFile(addon(), "utf8"), /^addon /);
  assert.ok(existsSync(join(addonFolder(), markName)));
});

test("an addon that somebody else put there is neither replaced nor removed", async () => {
  await mkdir(addonFolder(), { recursive: true });
  await writeFile(addon(), "theirs");
  for (const args of [{}, { remove: true }]) {
    const error = await rejection(link(args));
    assert.is(error.code, "file-system");
    assert.match(error.message, /holds "tfjs_binding\.node", which tangent-lab did not write/);
    assert.is(await readFile(addon(), "utf8"), "theirs");
  }
});

test("beside @tensorflow/tfjs-node alone it is that one's addon, but not with --gpu", async () => {
  const other = join(dirname(packageFolder), "tfjs-node");
  await cp(packageFolder, other, { recursive: true });
  await rm(packageFolder, { recursive: true });
  await link();
  assert.ok(existsSync(join(other, "lib", "napi-v8", "tfjs_binding.node")));
  assert.match(
    (await rejection(link({ gpu: true }))).message,
    /^@tensorflow\/tfjs-node-gpu is not installed/,
  );
});

test.run();
