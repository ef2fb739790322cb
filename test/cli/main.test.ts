import { spawn } from "node:child_process";
import { access, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const results = fileURLToPath(new URL("../../docs/results.md", import.meta.url));

let folder: string;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-cli-"));
});
test.after.each(() => rm(folder, { recursive: true }));

interface Finished {
  code: number | null;
  out: string;
  errors: string;
}

/** Runs the command line; `interruptAt` is a text on stderr at which it is sent SIGINT. */
function tangentLab(args: string[], interruptAt?: string): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, main, ...args]);
    let [out, errors] = ["", ""];
    let interrupted = false;
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      errors += chunk;
      if (interruptAt && !interrupted && errors.includes(interruptAt)) {
        interrupted = true;
        child.kill("SIGINT");
      }
    });
    child.on("close", (code) => resolve({ code, out, errors }));
  });
}

test("--version", async () => {
  const { code, out } = await tangentLab(["--version"]);
  assert.equal([code, /^\d+\.\d+\.\d+\n$/.test(out)], [0, true]);
});

const refusals: [string, string[], RegExp][] = [
  ["unknown dataset", ["--dataset", "cats"], /invalid dataset; given: "cats"; allowed: .*digits/],
  ["unknown engine", ["--engine", "abacus"], /invalid engine; given: "abacus"; allowed: auto, onnx/],
  ["batch 0", ["--batch-size", "0"], /invalid --batch-size; given: 0; allowed: an integer from 1 to 65536/],
  ["a batch beyond memory", ["--batch-size", "1000000000"], /invalid --batch-size; given: 1000000000/],
  ["a batch that is no number", ["--batch-size", "many"], /--batch-size.*'many' is invalid/],
  ["a negative seed", ["--seed", "-1"], /invalid seed; given: -1/],
  [
    "a size of points",
    ["--dataset", "spiral", "--size", "8"],
    /invalid --size; given: 8; allowed: only for images/,
  ],
  [
    "a size that networks do not take",
    ["--dataset", "digits", "--size", "14"],
    /invalid size; given: 14; allowed: a multiple of 4/,
  ],
  [
    "a size that the judge of labelled pictures does not take",
    ["--dataset", "digits", "--size", "12"],
    /invalid --size; given: 12; allowed: a multiple of 8, of pictures with classes/,
  ],
  [
    "files of what is not read from files",
    ["--dataset", "spiral", "--data", "x"],
    /invalid --data; given: "x"; allowed: only for data from files, not for spiral/,
  ],
  [
    "files of another dataset",
    ["--dataset", "digits", "--data", "fashion=x"],
    /invalid --data; given: "fashion=x"; allowed: only for digits/,
  ],
  [
    "a range of what is not an array",
    ["--dataset", "digits", "--range", "0,1"],
    /invalid --range.*only with --dataset array/,
  ],
  ["a range of one number", ["--dataset", "array", "--range", "0"], /--range.*'0' is invalid/],
  ["an unknown option", ["--fast"], /unknown option '--fast'/],
  ["no folder", ["--out", ""], /invalid path; given: ""; allowed: the path of a file or folder/],
  [
    "a README that is not there",
    ["--readme", join(tmpdir(), "tangent-lab-none", "README.md")],
    /cannot read .*README\.md/,
  ],
  [
    "classes that points do not have",
    ["--dataset", "circle", "--class-conditional"],
    /invalid --class-conditional; given: "circle"; allowed: --dataset with classes/,
  ],
];

for (const [what, args, expected] of refusals) {
  test(`${what}: one clear line, exit code 2, nothing written`, async () => {
    const { code, out, errors } = await tangentLab([
      "compare",
      "--quick",
      "--out",
      join(folder, "report"),
      ...args,
    ]);
    assert.is(code, 2, errors);
    assert.is(out, "");
    assert.match(errors, expected);
    assert.is(errors.trimEnd().split("\n").length, 1, errors);
    assert.equal(await readdir(folder), []);
  });
}

const refusedExperiments: [string, string[], RegExp][] = [
  ["an unknown study", ["alchemy"], /invalid experiment; given: "alchemy"; allowed: oscillation, /],
  [
    "no seed",
    ["oscillation", "--seeds", "0"],
    /invalid --seeds; given: 0; allowed: an integer from 1 to 1000/,
  ],
  [
    "more jobs than cores",
    ["oscillation", "--jobs", "9999"],
    /invalid --jobs; given: 9999; allowed: at most/,
  ],
  ["more seeds than anybody waits for", ["oscillation", "--seeds", "99999999999"], /invalid --seeds/],
  [
    "no folder",
    ["oscillation", "--out", ""],
    /invalid path; given: ""; allowed: the path of a file or folder/,
  ],
  [
    "a README that is not there",
    ["oscillation", "--readme", join(tmpdir(), "tangent-lab-none", "README.md")],
    /cannot read .*README\.md/,
  ],
  [
    "a document without a place for one panel's numbers",
    ["oscillation", "--panel", "circle", "--readme", results],
    /results\.md has no section experiment-oscillation-circle/,
  ],
  ["no shard", ["oscillation", "--shard", "3"], /--shard.*'3' is invalid.*k\/n with k from 1 to n/],
  ["a shard beyond the last", ["oscillation", "--shard", "4/3"], /--shard.*'4\/3' is invalid/],
  ["shards for no cluster", ["oscillation", "--shards", "3"], /invalid --shards; given: 3; .*with --submit/],
  ["an unknown cluster", ["oscillation", "--submit", "pbs"], /--submit.*'pbs' is invalid.*slurm, kubernetes/],
  [
    "a cluster and a part",
    ["oscillation", "--submit", "slurm", "--shard", "1/2"],
    /'--submit <cluster>' cannot be used with option '--shard/,
  ],
  ["a cluster for no number of shards", ["oscillation", "--submit", "slurm"], /invalid --shards/],
  [
    "results of a part",
    ["oscillation", "--shard", "1/3", "--readme", "x.md"],
    /invalid --readme; given: "x.md"; allowed: without --shard/,
  ],
  ["an unknown part", ["oscillation", "--panel", "cube"], /invalid --panel; given: "cube"; allowed: circle/],
  [
    "an unknown arm",
    ["softrepa", "--arm", "none", "--arm", "all"],
    /invalid --arm; given: "all"; allowed: none, prompt/,
  ],
];

for (const [what, args, expected] of refusedExperiments) {
  test(`experiment, ${what}: one clear line, exit code 2, nothing written`, async () => {
    const out = join(folder, "study");
    const { code, errors } = await tangentLab([...["experiment", "--quick", "--out", out], ...args]);
    assert.is(code, 2, errors);
    assert.match(errors, expected);
    assert.is(errors.trimEnd().split("\n").length, 1, errors);
    assert.equal(await readdir(folder), []);
  });
}

test("link-tensorflow and link-cuda without what they need: one clear line, exit code 2", async () => {
  const python = join(folder, "python");
  const { code, errors } = await tangentLab(["link-tensorflow", "--python", python]);
  assert.is(code, 2);
  assert.match(
    errors,
    /^error: (there is no such Python|@tensorflow\/tfjs-node-gpu or .* is not installed).*\n$/,
  );
  const both = await tangentLab(["link-tensorflow", "--remove", "--gpu"]);
  assert.is(both.code, 2);
  assert.match(both.errors, /'--remove' cannot be used with option '--gpu'/);
  const cuda = await tangentLab(["link-cuda", "--python", python]);
  assert.is(cuda.code, 2);
  assert.match(cuda.errors, /^error: (there is no such Python|onnxruntime-node has no cuda for ).*\n$/);
  const ofBoth = await tangentLab(["link-cuda", "--remove", "--python", python]);
  assert.is(ofBoth.code, 2);
  assert.match(ofBoth.errors, /'--remove' cannot be used with option '--python <path>'/);
});

test("a shard of a study runs its trials alone, and they are joined into another folder", async () => {
  const [place, out] = [join(folder, "a"), join(folder, "out")];
  const args = ["experiment", "oscillation", "--quick", "--no-cache", "--shard", "2/12", "--out", place];
  const { code, out: said, errors } = await tangentLab(args);
  assert.is(code, 0, errors);
  assert.is(said, `finished trials of this shard: 1, in ${place}\n`);
  const merged = await tangentLab(["experiment", "merge", place, "--out", out]);
  assert.is(merged.code, 0, merged.errors);
  assert.match(merged.out, `finished trials in ${out}: 1, of them new: 1\n`);
  assert.match(merged.out, `tangent-lab experiment oscillation --quick --out ${out}`);
  assert.is((await readdir(join(out, "runs"))).length, 1);
});

test("an interrupted experiment says how it is continued", async () => {
  const args = ["experiment", "oscillation", "--quick", "--no-cache", "--out", join(folder, "study")];
  const { code, errors } = await tangentLab(args, "engine:");
  assert.is(code, 130, errors);
  assert.match(errors, /stopped; the same command continues with the runs that are not finished\n$/);
});

test("an interrupted experiment of two jobs ends both in order, and the same command goes on", async () => {
  const out = join(folder, "study");
  const args = ["experiment", "oscillation", "--quick", "--no-cache", "--jobs", "2", "--out", out];
  const { code, errors } = await tangentLab(args, "[2] engine:");
  assert.is(code, 130, errors);
  assert.match(errors, /stopped; the same command continues with the runs that are not finished\n$/);
  const locks = (await readdir(join(out, "runs"))).filter((name) => name.endsWith(".lock"));
  assert.equal(locks, [], "no process holds a trial");
});

test("a folder that cannot be written to is found out before training", async () => {
  await writeFile(join(folder, "taken"), "a file");
  const { code, errors } = await tangentLab(["compare", "--quick", "--out", join(folder, "taken", "report")]);
  assert.is(code, 2);
  assert.match(errors, /^error: cannot write .*report: .*\n$/);
});

test("a corrupt data file is named", async () => {
  for (const name of ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
    await writeFile(join(folder, name), "not IDX");
  const out = join(folder, "report");
  const args = ["compare", "--quick", "--dataset", "digits", "--data", folder, "--out", out];
  const { code, errors } = await tangentLab(args);
  assert.is(code, 2);
  assert.match(errors, /^error: .*train-images-idx3-ubyte.*\n$/);
});

test("an interrupt ends in order with a checkpoint; --resume continues it, and a damaged one is refused", async () => {
  const out = join(folder, "report");
  const args = ["compare", "--quick", "--dataset", "spiral-16d", "--no-cache", "--out", out];
  const { code, errors } = await tangentLab(args, "engine:");
  assert.is(code, 130, errors);
  assert.match(errors, /stopped; the same command with --resume continues\n$/);
  const [name] = await readdir(join(out, "checkpoints"));
  assert.match(name!, /^spiral-16d-denoiser-/);
  const checkpoint = join(out, "checkpoints", name!);
  await access(join(checkpoint, "state.safetensors"));
  const anew = await tangentLab(args);
  assert.is(anew.code, 2);
  assert.match(anew.errors, /^error: .*report holds a run that was interrupted; .*--resume.*\n$/);
  await writeFile(join(checkpoint, "state.safetensors"), "half");
  const damaged = await tangentLab([...args, "--resume"]);
  assert.is(damaged.code, 2);
  assert.match(damaged.errors, /error: .*state\.safetensors is not a valid safetensors file.*\n$/);
});

test.run();
