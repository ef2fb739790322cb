import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Job } from "kubernetes-models/batch/v1/Job";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { type SubmitArguments, submitCommand } from "../../src/cli/submit-command.js";
import { studyByName } from "../../src/experiments/index.js";
import { slotsOf } from "../../src/experiments/schedule.js";
import type { StudyPlan } from "../../src/experiments/study.js";
import { rejection } from "../rejection.js";

let folder: string;
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-submit-"));
});
test.after.each(() => rm(folder, { recursive: true }));

const usual = { quick: true, engine: "auto", cache: true, jobs: 1, shards: 4 };

/** What the command prints, in lines. */
async function submitted(
  args: Partial<SubmitArguments> & Pick<SubmitArguments, "submit">,
  plan: StudyPlan = studyByName("oscillation").plan(true),
): Promise<string[]> {
  const { log } = console;
  const lines: string[] = [];
  console.log = (text: string) => void lines.push(...text.split("\n"));
  try {
    await submitCommand("oscillation", plan, { ...usual, to: folder, ...args });
  } finally {
    console.log = log;
  }
  return lines;
}

/** Runs a script of sh or bash in which programs are replaced by ones that print their arguments, a line each. */
function carriedOut(
  script: string,
  programs: readonly string[],
  env: Record<string, string>,
): { status: number | null; words: string[]; errors: string } {
  const fakes = programs.map((name) => `${name}() { printf '%s\\n' ${name} "$@"; }`).join("\n");
  const { status, stdout, stderr } = spawnSync("bash", ["-c", `${fakes}\n${script}`], {
    encoding: "utf8",
    env: { PATH: process.env.PATH!, ...env },
  });
  return { status, words: stdout.split("\n").slice(0, -1), errors: stderr };
}

test("slurm: an array with a task for each shard, which is told its number and its cores", async () => {
  const panel = 'it\'s "$HOME"';
  const lines = await submitted({
    submit: "slurm",
    cpus: 3,
    memory: 5,
    panel: [panel],
    arm: ["pixel + MFD"],
    seeds: 3,
    data: ["my data"],
    engine: "cpu",
    cache: false,
    jobs: 2,
  });
  const file = join(folder, "tangent-lab-oscillation-quick.sbatch");
  assert.is(lines[0], file);
  const text = await readFile(file, "utf8");
  const directives = text.split("\n").filter((line) => line.startsWith("#SBATCH "));
  assert.equal(
    text.split("\n").findIndex((line) => !line.startsWith("#")) >
      text.split("\n").lastIndexOf(directives.at(-1)!),
    true,
    "all before the first command",
  );
  for (const each of ["--array=1-4", "--cpus-per-task=3", "--mem=5G", "--signal=TERM@120"])
    assert.ok(directives.includes(`#SBATCH ${each}`), each);
  // `exec` of a function is none: what it would run is what follows.
  const script = text.replace("\nexec srun", "\nsrun");
  const { status, words, errors } = carriedOut(script, ["srun"], {
    SLURM_CPUS_PER_TASK: "3",
    SLURM_ARRAY_TASK_ID: "2",
  });
  assert.is(status, 0, errors);
  assert.equal(words.slice(0, 3), ["srun", "--cpus-per-task=3", "node"]);
  assert.match(words[3]!, /main\.js$/);
  const out = join(process.cwd(), "report", "oscillation-quick");
  assert.equal(words.slice(4), [
    "experiment",
    "oscillation",
    "--quick",
    "--seeds",
    "3",
    "--panel",
    panel,
    "--arm",
    "pixel + MFD",
    "--data",
    "my data",
    "--engine",
    "cpu",
    "--no-cache",
    "--jobs",
    "2",
    "--out",
    out,
    "--shard",
    "2/4",
  ]);
});

test("slurm, in the image", async () => {
  for (const [image, source] of [
    ["tangent-lab:1", "docker://tangent-lab:1"],
    ["/images/a.sif", "/images/a.sif"],
    ["oras://host/a", "oras://host/a"],
  ] as const) {
    await submitted({ submit: "slurm", image, to: folder });
    const text = await readFile(join(folder, "tangent-lab-oscillation-quick.sbatch"), "utf8");
    assert.match(
      text,
      `apptainer exec --bind ${process.cwd()} --pwd ${process.cwd()} ${source} tangent-lab experiment oscillation --quick`,
    );
  }
});

test("a study that chooses rates is started twice, one that does not once", async () => {
  const file = join(folder, "tangent-lab-oscillation-quick.sbatch");
  const plan = studyByName("oscillation").plan(true);
  const withRates = (learningRates: readonly number[]): StudyPlan => {
    return { ...plan, cells: plan.cells.map((cell) => ({ ...cell, learningRates })) };
  };
  const plain = await submitted({ submit: "slurm", shards: 2 }, withRates([0.1]));
  assert.ok(plain.includes(`  sbatch ${file}`), plain.join("\n"));
  const chosen = await submitted({ submit: "slurm", shards: 2 }, withRates([0.1, 0.2]));
  const line = chosen.find((each) => each.startsWith("  sbatch"))!;
  // A stand-in for sbatch that gives jobs numbers.
  const { words } = carriedOut(
    `sbatch() { [ "$1" = --parsable ] && echo 7 || printf '%s\\n' "$@"; }\n${line}`,
    [],
    {},
  );
  assert.equal(words, ["--dependency=afterany:7", file]);
  const kubernetes = await submitted({ submit: "kubernetes", shards: 2 }, withRates([0.1, 0.2]));
  assert.ok(kubernetes.some((each) => /^ {2}kubectl replace --force --filename /.test(each)));
});

test("kubernetes: an Indexed Job that its schema allows, with a pod for each shard", async () => {
  const lines = await submitted({
    submit: "kubernetes",
    cpus: 3,
    memory: 5,
    claim: "disk.1",
    image: "host:5000/a/b@sha256:12",
  });
  const file = join(folder, "tangent-lab-oscillation-quick.yaml");
  assert.ok(lines.includes(`  kubectl apply --filename ${file}`), lines.join("\n"));
  const job = parse(await readFile(file, "utf8"));
  new Job(job).validate();
  assert.throws(
    () => new Job({ ...job, spec: { ...job.spec, completions: "4" } }).validate(),
    /completions/,
    "the schema is looked at",
  );
  const { completionMode, completions, parallelism, template } = job.spec;
  assert.equal(
    [job.apiVersion, job.kind, completionMode, completions, parallelism],
    ["batch/v1", "Job", "Indexed", 4, 4],
  );
  assert.match(job.metadata.name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
  const [{ image, command, volumeMounts, resources }] = template.spec.containers;
  assert.equal(
    [image, resources.requests, template.spec.volumes[0].persistentVolumeClaim.claimName],
    ["host:5000/a/b@sha256:12", { cpu: "3", memory: "5Gi" }, "disk.1"],
  );
  assert.equal(command.slice(0, 2), ["sh", "-c"]);
  const { status, words } = carriedOut(command[2].replace("exec ", ""), ["tangent-lab"], {
    JOB_COMPLETION_INDEX: "3",
  });
  assert.is(status, 0);
  const out = `${volumeMounts[0].mountPath}/oscillation-quick`;
  assert.equal(words, [
    "tangent-lab",
    "experiment",
    "oscillation",
    "--quick",
    "--out",
    out,
    "--shard",
    "4/4",
  ]);
});

test("what was written is replaced; what was changed, or is somebody else's, is not", async () => {
  const path = join(folder, "tangent-lab-oscillation-quick.sbatch");
  await submitted({ submit: "slurm" });
  await submitted({ submit: "slurm", shards: 3 });
  const text = await readFile(path, "utf8");
  assert.match(text, "--array=1-3");
  for (const other of [`${text}# --partition=long\n`, "#!/bin/bash\n", ""]) {
    await writeFile(path, other);
    const error = await rejection(
      submitCommand("oscillation", studyByName("oscillation").plan(true), {
        ...usual,
        submit: "slurm",
        to: folder,
      }),
    );
    assert.is(error.code, "file-system");
    assert.match(error.message, path);
    assert.is(await readFile(path, "utf8"), other);
  }
  assert.equal(await readdir(folder), [path.split("/").at(-1)!]);
});

const trials = slotsOf(studyByName("oscillation").plan(true)).length;
for (const [what, args, expected] of [
  ["no number of shards", { shards: undefined }, /invalid --shards; given: undefined; allowed: 1 to \d+/],
  [
    "more shards than trials",
    { shards: trials + 1 },
    new RegExp(`--shards; given: ${trials + 1}; allowed: 1 to ${trials}`),
  ],
  ["no folder", { out: "" }, /invalid --out; given: ""/],
  ["no core", { cpus: 0 }, /invalid --cpus; given: 0/],
  ["no memory", { memory: 0 }, /invalid --memory; given: 0/],
  ["more jobs than cores", { cpus: 2, jobs: 3 }, /invalid --jobs; given: 3; allowed: at most 2/],
  ["an image with a blank", { image: "a b" }, /invalid --image/],
  ["a claim on Slurm", { claim: "a" }, /invalid --claim; .*only with --submit kubernetes/],
  [
    "a claim that Kubernetes has no name like",
    { submit: "kubernetes", claim: "My_Claim" },
    /invalid --claim/,
  ],
  ["an --out that is not in the volume", { submit: "kubernetes", out: "/data" }, /invalid --out/],
  ["an --out above the volume", { submit: "kubernetes", out: "a/../../b" }, /invalid --out/],
] as [string, Partial<SubmitArguments>, RegExp][])
  test(`${what}: an error, and no file`, async () => {
    const plan = studyByName("oscillation").plan(true);
    const error = await rejection(
      submitCommand("oscillation", plan, { submit: "slurm", to: folder, ...usual, ...args }),
    );
    assert.match(error.message, expected);
    assert.equal(await readdir(folder), []);
  });

test.run();
