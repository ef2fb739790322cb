import { spawnSync } from "node:child_process";
import fs, {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  writeFile,
} from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cudaWheel } from "../../src/cli/cuda/wheel.js";
import { type LinkCudaArguments, linkCudaCommand } from "../../src/cli/link-cuda-command.js";
import { cudaIsThere, cudaLink, cudaMark, providerLibraries } from "../../src/engine/onnx/cuda.js";
import { TangentLabError } from "../../src/errors.js";

// A Python's environment as pip lays onnxruntime-gpu 1.30.0 and NVIDIA's packages out, with made-up libraries.

const linux = process.platform === "linux" && process.arch === "x64";
if (!linux) console.log("link-cuda is left out: it is for Linux on x86-64");
const onLinux = linux ? test : test.skip;

let root: string;
let site: string;
let folder: string;
let python: string;
test.before.each(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "tangent-lab-cuda-")));
  site = join(root, "env/lib/python3.11/site-packages");
  folder = join(root, "x64");
  python = join(root, "env/bin/python");
  await mkdir(folder);
  await writeFile(join(folder, "libonnxruntime.so.1"), "the package's own");
  for (const name of providerLibraries) await put(join(site, "onnxruntime/capi", name), elf());
  await put(join(site, "onnxruntime/capi/build_and_package_info.py"), "cuda_version = '13.0'\n");
  for (const name of ["libcudart.so.13", "libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10"])
    await put(join(site, "nvidia/cu13/lib", name), elf());
  await put(join(site, "nvidia/cudnn/lib/libcudnn.so.9"), elf());
  await answers({});
});
test.after.each(() => rm(root, { recursive: true }));

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

/** The first bytes of a shared library of 64 bits; 62 is x86-64, 183 ARM. */
function elf(machine = 62): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes[18] = machine;
  return bytes;
}

/** A program that answers as a Python does. */
async function answers(change: object): Promise<void> {
  const versions = { "onnxruntime-gpu": "1.30.0" };
  const answer = {
    python,
    machine: "x86_64",
    path: [join(root, "env/lib/python311.zip"), site],
    versions,
    ...change,
  };
  await mkdir(dirname(python), { recursive: true });
  await writeFile(python, `#!/bin/sh\necho\necho '${JSON.stringify(answer)}'\n`, { mode: 0o755 });
}

const works = { state: "works", note: "compiled steps, CUDA", stepsPerSecond: 123.4 } as const;

/** What the command printed. */
async function linked(args: Partial<LinkCudaArguments> = {}, check: object = works): Promise<string[]> {
  const { log } = console;
  const lines: string[] = [];
  console.log = (line: string) => lines.push(line);
  try {
    await linkCudaCommand(
      { python, remove: false, ...args },
      { folder, version: "1.30.0", check: async () => check as typeof works, onSystem: () => false },
    );
  } finally {
    console.log = log;
  }
  return lines;
}

async function failure(args: Partial<LinkCudaArguments> = {}): Promise<string> {
  const error = await linked(args).catch((error: unknown) => error);
  assert.instance(error, TangentLabError, String(error));
  return (error as TangentLabError).message;
}

/** All that is in the folder: contents, and where links lead. */
async function state(): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  const entries = names.map(async (name): Promise<[string, string]> => {
    const path = join(folder, name);
    const link = (await lstat(path)).isSymbolicLink();
    return [name, link ? `-> ${await readlink(path)}` : await readFile(path, "utf8")];
  });
  return Object.fromEntries(await Promise.all(entries));
}

onLinux("links, again, and removes", async () => {
  const before = await state();
  assert.equal(await linked(), [
    `linked: the CUDA 13.0 provider of onnxruntime-gpu 1.30.0, ${python}`,
    "it works: compiled steps, CUDA, 123 steps/s. Taken where no engine is asked for",
  ]);
  for (const name of providerLibraries)
    assert.is(await readlink(join(folder, name)), join(site, "onnxruntime/capi", name));
  const nvidia = join(site, "nvidia");
  assert.equal(cudaLink(folder), {
    version: "1.30.0",
    python,
    libraries: [
      join(nvidia, "cu13/lib/libcudart.so.13"),
      join(nvidia, "cu13/lib/libcublasLt.so.13"),
      join(nvidia, "cu13/lib/libcublas.so.13"),
      join(nvidia, "cu13/lib/libcurand.so.10"),
      join(nvidia, "cudnn/lib/libcudnn.so.9"),
    ],
  });
  assert.ok(cudaIsThere(folder));
  const first = await state();
  const note = "no NVIDIA driver is installed";
  const again = await linked({}, { state: "fails", note, stepsPerSecond: null });
  assert.is(
    again[1],
    `it does not start on this machine: ${note}`,
    "no error: images are made where no GPU is",
  );
  assert.equal(await state(), first);
  assert.equal(await linked({ remove: true }), [`removed the links in ${folder}`]);
  assert.equal(await state(), before);
  assert.equal(await linked({ remove: true }), ["nothing was linked"]);
});

onLinux("CUDA 12 has a package for each library", async () => {
  await rm(join(site, "nvidia/cu13"), { recursive: true });
  await writeFile(join(site, "onnxruntime/capi/build_and_package_info.py"), 'x = 1\ncuda_version = "12.8"\n');
  for (const [part, name] of [
    ["cublas", "libcublas.so.12"],
    ["cublas", "libcublasLt.so.12"],
    ["cuda_runtime", "libcudart.so.12"],
    ["curand", "libcurand.so.10"],
    ["cufft", "libcufft.so.11"],
  ] as const)
    await put(join(site, "nvidia", part, "lib", name), elf());
  assert.match((await linked())[0]!, "CUDA 12.8");
  assert.equal(
    cudaLink(folder)!.libraries.map((path) => path.slice(join(site, "nvidia/").length)),
    [
      "cuda_runtime/lib/libcudart.so.12",
      "cublas/lib/libcublasLt.so.12",
      "cublas/lib/libcublas.so.12",
      "curand/lib/libcurand.so.10",
      "cufft/lib/libcufft.so.11",
      "cudnn/lib/libcudnn.so.9",
    ],
  );
});

const install = /-m pip install .*onnxruntime-gpu\[cuda,cudnn\]==1\.30\.0/;
const pieces: [what: string, break_: () => Promise<unknown>, message: RegExp][] = [
  ["no onnxruntime-gpu", () => answers({ versions: {} }), /has no onnxruntime-gpu; /],
  [
    "one without CUDA",
    () => answers({ versions: { onnxruntime: "1.30.0" } }),
    /onnxruntime, which is without CUDA/,
  ],
  [
    "another version",
    () => answers({ versions: { "onnxruntime-gpu": "1.29.1" } }),
    /onnxruntime-gpu 1\.29\.1, and onnxruntime-node here is 1\.30\.0/,
  ],
  ["another processor", () => answers({ machine: "aarch64" }), /is for aarch64/],
  [
    "no provider in it",
    () => rm(join(site, "onnxruntime/capi/libonnxruntime_providers_cuda.so")),
    /has no libonnxruntime_providers_shared\.so|has no libonnxruntime_providers_cuda\.so/,
  ],
  [
    "nothing about its CUDA",
    () => rm(join(site, "onnxruntime/capi/build_and_package_info.py")),
    /does not say for which CUDA it was built/,
  ],
  [
    "two CUDA libraries less",
    () =>
      Promise.all([
        rm(join(site, "nvidia/cu13/lib/libcublas.so.13")),
        rm(join(site, "nvidia/cudnn"), { recursive: true }),
      ]),
    /libcublas\.so\.13, libcudnn\.so\.9: neither in that Python's environment nor on the system/,
  ],
];
for (const [what, damage, message] of pieces)
  onLinux(`${what}: one sentence, what to install, and nothing is changed`, async () => {
    await linked();
    const before = await state();
    await damage();
    const said = await failure();
    assert.match(said, message);
    assert.match(said, install);
    assert.not.match(said, "\n");
    assert.equal(await state(), before);
  });

onLinux("libraries that are none, or for another processor", async () => {
  const path = join(site, "onnxruntime/capi/libonnxruntime_providers_cuda.so");
  for (const content of [
    elf(183),
    new Uint8Array(3),
    new TextEncoder().encode("version https://git-lfs.github.com"),
  ]) {
    await writeFile(path, content);
    assert.match(await failure(), `${path} is no shared library for x86-64`);
  }
  assert.equal(Object.keys(await state()), ["libonnxruntime.so.1"]);
});

onLinux("a Python that is none", async () => {
  assert.match(
    await failure({ python: join(root, "nothing") }),
    /^there is no such Python; given: ".*\/nothing"/,
  );
  await writeFile(python, "#!/bin/sh\necho 'Python 2.7'\n", { mode: 0o755 });
  assert.match(await failure(), /\/python does not work as a Python \(its answer is not JSON\)/);
  await writeFile(python, "#!/bin/sh\necho 'ImportError: no metadata' >&2\nexit 1\n", { mode: 0o755 });
  assert.match(await failure(), /does not work as a Python \(ImportError: no metadata\); /);
});

onLinux("a provider that is there from elsewhere is left alone", async () => {
  await writeFile(join(folder, providerLibraries[1]), "downloaded");
  const before = await state();
  assert.match(await failure(), /is there, and not from link-cuda/);
  assert.equal(await state(), before);
  assert.equal(
    await linked({ remove: true }).catch((error: Error) => /not from link-cuda/.test(error.message)),
    true,
  );
  assert.equal(await state(), before);
});

onLinux("a link that cannot be made leaves all as it was", async () => {
  await linked();
  const before = await state();
  const other = join(root, "other");
  for (const name of providerLibraries) await put(join(other, name), elf());
  const elsewhere = join(root, "env2/site");
  for (const name of providerLibraries) await put(join(elsewhere, "onnxruntime/capi", name), elf());
  await put(join(elsewhere, "onnxruntime/capi/build_and_package_info.py"), "cuda_version = '13.0'\n");
  await answers({ path: [elsewhere, site] });
  const { symlink } = fs;
  let links = 0;
  fs.symlink = async (...args) => {
    if (++links === 2) throw Object.assign(new Error("full"), { code: "ENOSPC" });
    return symlink(...args);
  };
  syncBuiltinESMExports();
  try {
    assert.match(await failure(), /cannot write .*the disk is full/);
  } finally {
    fs.symlink = symlink;
    syncBuiltinESMExports();
  }
  assert.ok(links > 2, "the first one was made, and is back as it was");
  assert.equal(await state(), before);
});

onLinux("a damaged record of what was linked is said, and can be removed", async () => {
  await linked();
  await writeFile(join(folder, cudaMark), "{");
  assert.throws(() => cudaLink(folder), /is damaged: tangent-lab link-cuda --remove/);
  await linked({ remove: true });
  assert.equal(Object.keys(await state()), ["libonnxruntime.so.1"]);
});

onLinux("a real Python answers", async () => {
  if (spawnSync("python3", ["--version"]).status !== 0) return console.log("skipped: no python3");
  await put(
    join(site, "onnxruntime_gpu-1.30.0.dist-info/METADATA"),
    "Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 1.30.0\n",
  );
  const before = process.env.PYTHONPATH;
  try {
    process.env.PYTHONPATH = site;
    const wheel = await cudaWheel("python3", "1.30.0", () => false);
    assert.equal([wheel.version, wheel.cuda, wheel.libraries.length], ["1.30.0", "13.0", 5]);
  } finally {
    if (before === undefined) delete process.env.PYTHONPATH;
    else process.env.PYTHONPATH = before;
  }
});

test.run();
