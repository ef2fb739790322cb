// Kills before every operation on files: the next run goes on, and what it finds is what was there before, or what was to be there, whole. `killed-files.ts` makes the kills.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { build } from "esbuild";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import type { CudaWheel } from "../../src/cli/cuda/wheel.js";
import { cudaMark, providerLibraries } from "../../src/engine/onnx/cuda.js";
import type * as work from "./killed-work.js";

/** The work as a process does it. */
type Process = typeof work;

let script: vm.Script;
test.before(async () => {
  const { outputFiles } = await build({
    ...{ bundle: true, packages: "external", platform: "node", format: "cjs", write: false },
    entryPoints: [fileURLToPath(new URL("./killed-work.ts", import.meta.url))],
    alias: { "node:fs/promises": fileURLToPath(new URL("./killed-files.ts", import.meta.url)) },
    define: { "import.meta.url": JSON.stringify(import.meta.url) },
    logLevel: "error",
  });
  script = new vm.Script(`(require, module, process) => {${outputFiles[0]!.text}}`);
});

const require = createRequire(import.meta.url);

/** A package, whose thousands of names are inherited and not copied by each process. */
const shared = (name: string): object => Object.create(require(name) as object) as object;

/** A process of its own; the one that is killed has a number that no system gives, and is there as long as it works. */
function start(number: number): Process {
  const own = Object.create(process, {
    pid: { value: number },
    kill: { value: (id: number) => (id === number ? true : process.kill(id, 0)) },
    // No end of this one is theirs.
    once: { value: () => own },
    removeListener: { value: () => own },
  }) as NodeJS.Process;
  const module = { exports: {} };
  script.runInThisContext()(shared, module, own);
  return module.exports as Process;
}

const killed = 2 ** 22 + 5;

interface Kills {
  /** What was done before in the folder. */
  before?: (process: Process, folder: string) => unknown;
  /** What is killed. */
  work: (process: Process, folder: string) => Promise<unknown>;
  /** What a process finds and does that comes after. */
  next: (process: Process, folder: string, ended: boolean) => unknown;
}

/** Kills work in a folder of its own before its first operation, before its second, and so on until it comes to its end. */
async function kills({ before, work, next }: Kills): Promise<void> {
  const { log } = console;
  console.log = () => {};
  try {
    for (let count = 0, ended = false; !ended; count++) {
      const folder = mkdtempSync(join(tmpdir(), "tangent-lab-kills-"));
      await before?.(start(process.pid), folder);
      const one = start(killed);
      const death = one.killedAfter(count).then(() => false);
      ended = await Promise.race([work(one, folder).then(() => true), death]);
      const left = paths(folder);
      try {
        await next(start(process.pid), folder, ended);
      } catch (error) {
        throw new Error(`killed before operation ${count}, which left ${left.join(", ")}: ${error}`);
      }
      rmSync(folder, { recursive: true });
    }
  } finally {
    console.log = log;
  }
}

const paths = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
const text = (...path: string[]): string => readFileSync(join(...path), "utf8");
const both = (content: string) => ({ "a.txt": content, "b.txt": content });
const run = (folder: string): string => join(folder, "run");
const whole = ["run", "run/.tangent-lab", "run/a.txt", "run/b.txt"];

test("a file is the old one or the new one", () =>
  kills({
    before: ({ writeFileAtomically }, folder) => writeFileAtomically(join(folder, "a"), "old"),
    work: ({ writeFileAtomically }, folder) => writeFileAtomically(join(folder, "a"), "new"),
    next: async ({ writeFileAtomically }, folder) => {
      assert.match(text(folder, "a"), /^(old|new)$/);
      await writeFileAtomically(join(folder, "a"), "next");
      assert.equal(paths(folder), ["a"]);
    },
  }));

for (const [where, prepare] of [
  ["where there is none", undefined],
  ["over an empty one", (_, folder) => mkdirSync(run(folder))],
  ["over an old one", (process, folder) => process.writeFolderAtomically(run(folder), both("old"))],
] as [string, Kills["before"]][])
  test(`a folder is written ${where}`, () =>
    kills({
      ...(prepare && { before: prepare }),
      work: ({ writeFolderAtomically }, folder) => writeFolderAtomically(run(folder), both("new")),
      next: async ({ restoreFolder, writeFolderAtomically }, folder, ended) => {
        await restoreFolder(run(folder));
        const isThere = existsSync(join(run(folder), "a.txt"));
        assert.ok(isThere || (!ended && where !== "over an old one"));
        if (isThere) assert.match(text(run(folder), "a.txt") + text(run(folder), "b.txt"), /^(old|new)\1$/);
        await writeFolderAtomically(run(folder), both("next"));
        assert.equal(paths(folder), whole);
        assert.is(text(run(folder), "b.txt"), "next");
      },
    }));

test("a folder is written, and what is left is removed, or put into an empty one that somebody made meanwhile", async () => {
  const replaced: Omit<Kills, "next"> = {
    before: ({ writeFolderAtomically }, folder) => writeFolderAtomically(run(folder), both("old")),
    work: ({ writeFolderAtomically }, folder) => writeFolderAtomically(run(folder), both("new")),
  };
  await kills({
    ...replaced,
    next: async ({ removeFolder, restoreFolder }, folder) => {
      await removeFolder(run(folder));
      await restoreFolder(run(folder));
      assert.not(existsSync(run(folder)));
    },
  });
  await kills({
    ...replaced,
    next: async ({ restoreFolder }, folder) => {
      mkdirSync(run(folder), { recursive: true });
      await restoreFolder(run(folder));
      assert.match(text(run(folder), "b.txt"), /^(old|new)$/);
    },
  });
});

test("a folder is removed: it is there as a whole or not at all", () =>
  kills({
    before: ({ writeFolderAtomically }, folder) => writeFolderAtomically(run(folder), both("old")),
    work: ({ removeFolder }, folder) => removeFolder(run(folder)),
    next: async ({ removeFolder, writeFolderAtomically }, folder) => {
      if (existsSync(run(folder))) assert.equal(paths(folder), whole);
      await removeFolder(run(folder));
      assert.not(existsSync(run(folder)));
      await writeFolderAtomically(run(folder), both("next"));
      assert.equal(paths(folder), whole);
    },
  }));

const row = v.object({ step: v.number() });
const at = (step: number) => ({ config: { seed: 0 }, step, seconds: 1, rows: [{ step }], state: {} });

test("a checkpoint: the next run takes the lock over and finds what was saved last", () =>
  kills({
    before: ({ checkpointFolder }, folder) => checkpointFolder(run(folder)).save(at(1)),
    work: async ({ checkpointFolder }, folder) => {
      const checkpoint = checkpointFolder(run(folder));
      const release = await checkpoint.open();
      await checkpoint.load({ seed: 0 }, {}, row);
      await checkpoint.save(at(2));
      await release();
    },
    next: async ({ checkpointFolder }, folder, ended) => {
      const checkpoint = checkpointFolder(run(folder));
      const release = await checkpoint.open();
      const { step } = (await checkpoint.load({ seed: 0 }, {}, row))!;
      assert.ok(step === 2 || (step === 1 && !ended));
      await checkpoint.save(at(3));
      await release();
      const files = [".tangent-lab", "config.json", "metrics.jsonl", "state.safetensors"];
      assert.equal(paths(folder), ["run", ...files.map((name) => `run/${name}`)]);
    },
  }));

test("a folder that is claimed, or shared, is ours from the first file in it on", async () => {
  const files = ["run", "run/.tangent-lab", "run/a.txt"];
  await kills({
    work: async ({ claimFolder, writeFileAtomically }, folder) => {
      const release = await claimFolder(run(folder));
      await writeFileAtomically(join(run(folder), "a.txt"), "new");
      await release();
    },
    next: async ({ claimFolder, writeFileAtomically }, folder) => {
      const release = await claimFolder(run(folder));
      await writeFileAtomically(join(run(folder), "a.txt"), "next");
      await release();
      assert.equal(paths(folder), files);
    },
  });
  await kills({
    work: ({ shareFolder }, folder) => shareFolder(run(folder)),
    next: async ({ shareFolder, writeFileAtomically }, folder) => {
      await shareFolder(run(folder));
      await writeFileAtomically(join(run(folder), "a.txt"), "next");
      assert.equal(paths(folder), files);
    },
  });
});

test("a report of other settings over one that came to its end: the same command goes on, with --resume or without", () =>
  kills({
    before: async ({ checkpointFolder, claimReport, writeFileAtomically }, folder) => {
      const finish = await claimReport(run(folder), "settings.json", { seed: 0 }, { resume: false });
      await checkpointFolder(join(run(folder), "checkpoints", "circle")).save(at(1));
      await writeFileAtomically(join(run(folder), "index.html"), "");
      await finish();
    },
    work: async ({ claimReport }, folder) => {
      await claimReport(run(folder), "settings.json", { seed: 1 }, { resume: false });
    },
    next: async ({ claimReport }, folder) => {
      const claim = (resume: boolean) => claimReport(run(folder), "settings.json", { seed: 1 }, { resume });
      await claim(false).catch(() => claim(true));
    },
  }));

test("a folder that is filled, as the site's and the demo's", () => {
  const fill =
    (content: string, { writeFileAtomically }: Process) =>
    async (folder: string) => {
      for (const name of ["a.txt", "b.txt"]) await writeFileAtomically(join(folder, name), content);
    };
  return kills({
    before: (process, folder) => process.replaceFolder(run(folder), fill("old", process)),
    work: (process, folder) => process.replaceFolder(run(folder), fill("new", process)),
    next: async (process, folder) => {
      const none = () => Promise.reject(new Error("no pages"));
      const why = await process.replaceFolder(run(folder), none).catch((error: Error) => error.message);
      assert.is(why, "no pages");
      assert.equal(paths(folder), whole);
      assert.match(text(run(folder), "a.txt") + text(run(folder), "b.txt"), /^(old|new)\1$/);
      await process.replaceFolder(run(folder), fill("next", process));
      assert.equal(paths(folder), whole);
    },
  });
});

test("init goes on with a project that is not complete, and with no other", () => {
  const files = [".gitignore", "first.ipynb", "first.ts", "package.json"];
  return kills({
    work: ({ initCommand }, folder) => initCommand(run(folder)),
    next: async ({ initCommand }, folder) => {
      const isComplete = existsSync(run(folder)) && files.every((name) => paths(run(folder)).includes(name));
      const why = await initCommand(run(folder)).catch((error: Error) => error.message);
      if (isComplete) assert.match(`${why}`, /is not empty/);
      assert.equal(paths(run(folder)), files);
    },
  });
});

test("link-cuda links again, and removes, what it has begun", async () => {
  const wheel = (folder: string) =>
    ({
      ...{ version: "1", python: "python", cuda: "13", libraries: [] },
      providers: Object.fromEntries(providerLibraries.map((name) => [name, join(folder, name)])),
    }) as CudaWheel;
  const linked = [...providerLibraries, cudaMark].sort();
  await kills({
    before: ({ link }, folder) => link(wheel("/old"), folder),
    work: ({ link }, folder) => link(wheel("/new"), folder),
    next: async ({ link }, folder) => {
      await link(wheel("/next"), folder);
      assert.equal(paths(folder), linked);
      for (const name of providerLibraries) assert.is(readlinkSync(join(folder, name)), `/next/${name}`);
    },
  });
  for (const part of ["link", "unlink"] as const)
    await kills({
      before: ({ link }, folder) => part === "unlink" && link(wheel("/old"), folder),
      work: (process, folder) =>
        part === "link" ? process.link(wheel("/new"), folder) : process.unlink(folder),
      next: async ({ unlink }, folder) => {
        await unlink(folder);
        assert.equal(paths(folder), []);
      },
    });
});

test.run();
