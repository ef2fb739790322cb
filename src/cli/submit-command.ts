import { join } from "node:path";
import { check } from "../errors.js";
import { versions } from "../experiments/provenance.js";
import { slotsOf } from "../experiments/schedule.js";
import type { StudyPlan } from "../experiments/study.js";
import { checkPath, checkWritable } from "../io/files.js";
import { type StudyOptions, studyWords } from "./study-options.js";
import { type ClusterJob, jobName, shellCommand, shellWord } from "./submit/job.js";
import { kubernetesJob } from "./submit/kubernetes.js";
import { writeOwnFile } from "./submit/own-file.js";
import { slurmScript } from "./submit/slurm.js";

/** Options of `tangent-lab experiment` that are of --submit only. */
export interface SubmitOptions {
  /** Into how many parts the study is divided. */
  shards?: number;
  /** Folder of the file that is written. */
  to?: string;
  image?: string;
  claim?: string;
  cpus?: number;
  memory?: number;
}

/** What of the command line is said again in that of each shard, or decides it. */
export interface SubmitArguments extends SubmitOptions, StudyOptions {
  submit: "slurm" | "kubernetes";
  data?: string[];
  engine: string;
  cache: boolean;
  jobs: number;
  out?: string;
}

/** @throws TangentLabError `invalid-argument` for options of --submit where there is none. */
export function checkNotSubmitted(options: SubmitOptions): void {
  for (const name of ["shards", "to", "image", "claim", "cpus", "memory"] as const)
    check(options[name] === undefined, `--${name}`, options[name], "only with --submit");
}

/**
 * `tangent-lab experiment NAME --submit slurm`, or `kubernetes`: writes what the cluster is given, and says how to start it.
 * @param plan The study's, as it is asked for.
 * @throws TangentLabError `invalid-argument`; `file-system` for a file that is there and not ours.
 */
export async function submitCommand(study: string, plan: StudyPlan, args: SubmitArguments): Promise<void> {
  const { submit, to = ".", claim = "tangent-lab" } = args;
  checkSubmitted(plan, args);
  const name = args.quick ? `${study}-quick` : study;
  const { cpus, memory } = resources(args);
  const common = { study, name, shards: args.shards!, options: optionsOf(args), cpus, memory };
  await checkWritable(to);
  // Learning rates are chosen once all shards have tried theirs: what waits for that is for a second start.
  const again = plan.cells.some(({ learningRates }) => learningRates.length > 1);
  if (submit === "slurm") {
    const job = { ...common, out: args.out ?? join("report", name), image: args.image };
    const file = join(to, `${jobName(name)}.sbatch`);
    await writeOwnFile(file, slurmScript(job, process.cwd()));
    const first = again ? `--dependency=afterany:$(sbatch --parsable ${shellWord(file)}) ` : "";
    const twice = again
      ? " (twice: the second begins after the first, once learning rates can be chosen)"
      : "";
    tell(job, file, [`start it${twice}:`, `  sbatch ${first}${shellWord(file)}`]);
  } else {
    const image = args.image ?? `tangent-lab:${versions()["tangent-lab"]}`;
    const job = { ...common, out: args.out ?? name, image };
    const file = join(to, `${jobName(name)}.yaml`);
    await writeOwnFile(file, kubernetesJob(job, claim));
    const command = (verb: string): string => `  kubectl ${verb} --filename ${shellWord(file)}`;
    const second = [
      "once it is complete, a second time, for what waited for learning rates:",
      command("replace --force"),
    ];
    tell(job, file, [
      `start it, where nodes have the image ${image} (Dockerfile) and the PersistentVolumeClaim ${claim} can be written by many:`,
      command("apply"),
      ...(again ? second : []),
      `copy the folder ${job.out} of its volume to where the report is wanted`,
    ]);
  }
}

function tell({ study, options, out }: ClusterJob, file: string, start: readonly string[]): void {
  const report = ["tangent-lab", "experiment", study, ...options, "--out", out];
  console.log(
    [
      file,
      ...start,
      "if shards wrote on several disks, join their folders:",
      `  tangent-lab experiment merge FOLDER... --out ${shellWord(out)}`,
      "the report:",
      `  ${shellCommand(report)}`,
    ].join("\n"),
  );
}

/** Of each shard, where nothing else was asked for: a core for each job, two at least; GiB. */
const resources = ({ cpus, memory, jobs }: SubmitArguments): { cpus: number; memory: number } => ({
  cpus: cpus ?? Math.max(2, jobs),
  memory: memory ?? 4,
});

function checkSubmitted(plan: StudyPlan, args: SubmitArguments): void {
  const { submit, shards, jobs, image, claim } = args;
  const trials = slotsOf(plan).length;
  const fits = shards !== undefined && shards >= 1 && shards <= trials;
  check(fits, "--shards", shards, `1 to ${trials}, the trials of this study`);
  const { cpus, memory } = resources(args);
  check.count("--cpus", cpus);
  check.count("--memory", memory);
  check.count("--jobs", jobs);
  check(jobs <= cpus, "--jobs", jobs, `at most ${cpus}, of --cpus`);
  check(image === undefined || /^[^\s'"]+$/.test(image), "--image", image, "a container image");
  if (args.out !== undefined) checkPath(args.out, "--out");
  if (submit === "kubernetes") checkInVolume(args);
  else check(claim === undefined, "--claim", claim, "only with --submit kubernetes");
}

function checkInVolume({ claim, out }: SubmitArguments): void {
  const named = claim === undefined || /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(claim);
  check(named, "--claim", claim, "the name of a PersistentVolumeClaim: small letters, digits, - and .");
  const below = out === undefined || (!out.startsWith("/") && !out.split("/").includes(".."));
  check(below, "--out", out, "a folder in the claim's volume, without a / before it");
}

/** What decides the trials and how they are run. */
function optionsOf(args: SubmitArguments): string[] {
  const { data, engine, cache, jobs } = args;
  return [
    ...studyWords(args),
    ...(data ?? []).flatMap((each) => ["--data", each]),
    ...(engine === "auto" ? [] : ["--engine", engine]),
    ...(cache ? [] : ["--no-cache"]),
    ...(jobs === 1 ? [] : ["--jobs", `${jobs}`]),
  ];
}
