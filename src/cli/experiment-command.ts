import { join, resolve } from "node:path";
import type { Dataset } from "../../datasets/index.js";
import { gapText, mendedTable } from "../../viz/report/mended.js";
import { renderStudy } from "../../viz/report/study.js";
import { markdown, outcomeTable, tableNote, trendNotes, tuningNote } from "../../viz/report/study-table.js";
import { currentDevice, type DeviceName, describeDevice, useDevice } from "../engine/device.js";
import { check, TangentLabError } from "../errors.js";
import { studyByName } from "../experiments/index.js";
import { type PlanRecord, planFile, runsFolder } from "../experiments/merge.js";
import { machine, versions } from "../experiments/provenance.js";
import { runShard, runStudy, type ShardState } from "../experiments/run-study.js";
import { finishedSteps, plannedSteps, type Shard } from "../experiments/schedule.js";
import type { SplitName } from "../experiments/softrepa/examples-record.js";
import type { MendedRecord } from "../experiments/softrepa/mended-record.js";
import type { StudyPlan } from "../experiments/study.js";
import { type StudyRecord, summarize } from "../experiments/summary.js";
import type { Bench } from "../experiments/trial.js";
import { weightsCache } from "../experiments/weights.js";
import { writeFileAtomically } from "../io/files.js";
import { checkSection, updateSection } from "../io/sections.js";
import type { Json } from "../loop/record.js";
import { Interrupted } from "./interrupt.js";
import { checkOptions, folderOf, loadDataset } from "./load-dataset.js";
import { jointProgress } from "./progress.js";
import { claimReport, joinReport } from "./report-folder.js";
import { type StudyOptions, studyWords } from "./study-options.js";
import { shellCommand } from "./submit/job.js";
import {
  checkNotSubmitted,
  type SubmitArguments,
  type SubmitOptions,
  submitCommand,
} from "./submit-command.js";
import { divideThreads, runWorkers } from "./workers.js";

export interface ExperimentArguments extends SubmitOptions, StudyOptions {
  out?: string;
  engine: string;
  data?: string[];
  cache: boolean;
  readme?: string;
  jobs: number;
  /** The part that is run, of how many. */
  shard?: Shard;
  /** Nothing is run: files are written with which a cluster runs all shards. */
  submit?: SubmitArguments["submit"];
  /** Started by another process of the same command, which has the report. */
  worker?: boolean;
}

/** `tangent-lab experiment NAME`: runs what is not finished of a study, then writes its results and report. */
export async function experimentCommand(
  name: string,
  args: ExperimentArguments,
  signal: AbortSignal,
): Promise<void> {
  const study = studyByName(name);
  const { shard } = args;
  check(!shard || !args.readme, "--readme", args.readme, "without --shard: a part has no results");
  const asked = chosen(study.plan(args.quick), args);
  const { submit } = args;
  if (submit !== undefined) return submitCommand(name, asked, { ...args, submit });
  checkNotSubmitted(args);
  if (!args.worker) divideThreads(args.jobs);
  await useDevice(args.engine as DeviceName | "auto");
  const engine = await describeDevice();
  const out = args.out ?? join("report", args.quick ? `${name}-quick` : name);
  const { dataset, plan } = await withData(asked, args.data ?? [], signal);
  for (const cell of plan.cells) cell.check(await dataset(cell.dataset));
  // Runs are found by what decides them: those of another plan stay, and are not taken for this one's.
  const settings = settingsOf(plan);
  if (args.readme !== undefined && !args.worker) await checkSection(args.readme, sectionName(name, args));
  const decided = await planRecord(name, args.quick, plan, settings);
  if (shard) await joinReport(out, planFile, decided);
  else if (!args.worker) await claimReport(out, planFile, decided);
  const cache = args.cache ? weightsCache() : undefined;
  await cache?.check();
  console.error(`engine: ${engine}`);

  const folder = join(out, runsFolder);
  const finished = await finishedSteps(plan, { folder, dataset }, shard);
  const progress = jointProgress(plannedSteps(plan, shard), finished);
  const failed = new AbortController();
  const others = args.worker
    ? undefined
    : runWorkers(args.jobs - 1, AbortSignal.any([signal, failed.signal]));
  const bench: Bench = {
    folder,
    resume: true,
    signal,
    dataset,
    prepared: new Map(),
    cache,
    follow: progress.follow,
    skip: progress.skip,
  };
  const work = shard ? runShard(plan, bench, shard) : runStudy(plan, bench);
  const runs = await work
    .catch((error: unknown) => {
      failed.abort();
      throw error;
    })
    .finally(() => progress.end())
    .finally(() => others);
  if (args.worker) return;
  if (!runs) {
    const again = "the same command continues with the runs that are not finished";
    throw new Interrupted(signal.reason as NodeJS.Signals, `stopped; ${again}`);
  }
  if (!Array.isArray(runs)) return console.log(shardDone(runs, out));
  const { title, question, axis, measures } = study;
  const record: StudyRecord = {
    ...{ name, title, question, quick: args.quick, axis: axis ?? null, measures },
    date: new Date().toISOString(),
    seconds: runs.reduce(
      (sum, { results, tuningSeconds }) =>
        results.reduce((total, { seconds }) => total + seconds, sum + tuningSeconds),
      0,
    ),
    seeds: plan.seeds,
    panels: summarize(study, plan, runs),
    ...(study.details && { details: study.details(runs) }),
    settings,
    machine: machine(engine),
    versions: versions(),
  };
  await writeFileAtomically(join(out, "results.json"), `${JSON.stringify(record, null, 1)}\n`);
  const path = resolve(out, "index.html");
  await writeFileAtomically(path, await renderStudy(record));
  console.log(path);
  console.log(tables(record, mostMeasures));
  if (args.readme !== undefined)
    await updateSection(args.readme, sectionName(name, args), section(record, args));
}

async function planRecord(
  study: string,
  quick: boolean,
  { seeds }: StudyPlan,
  cells: Record<string, Json>,
): Promise<PlanRecord> {
  const { node: _, ...computing } = versions();
  const own = { tune: [...seeds.tune], report: [...seeds.report] };
  return { study, quick, seeds: own, cells, engine: await currentDevice(), versions: computing };
}

function shardDone({ done, waiting }: ShardState, out: string): string {
  const first = `finished trials of this shard: ${done}, in ${out}`;
  if (waiting === 0) return first;
  return `${first}
trials that wait for learning rates, which trials of other shards decide: ${waiting}
Join the shards' folders by \`tangent-lab experiment merge FOLDER... --out FOLDER\`, and start each shard again with the joined folder, or a copy of it, as --out.`;
}

/** What decides each cell, by its place. */
const settingsOf = ({ cells }: StudyPlan): Record<string, Json> =>
  Object.fromEntries(
    cells.map(({ panel, arm, at, settings }) => [
      [panel, arm, ...(at === undefined ? [] : [at])].join(", "),
      settings as Json,
    ]),
  );

/** Seeds of a study that somebody may wait for. */
const mostSeeds = 1000;

/** The plan with these panels and arms only, and with another number of reported seeds. */
function chosen(plan: StudyPlan, { seeds: count, panel, arm }: ExperimentArguments): StudyPlan {
  const panels = [...new Set(plan.cells.map((cell) => cell.panel))];
  for (const name of panel ?? []) check(panels.includes(name), "--panel", name, panels.join(", "));
  const arms = [...new Set(plan.cells.map((cell) => cell.arm))];
  for (const name of arm ?? []) check(arms.includes(name), "--arm", name, arms.join(", "));
  check(
    count === undefined || (count >= 1 && count <= mostSeeds),
    "--seeds",
    count,
    `an integer from 1 to ${mostSeeds}`,
  );
  const { tune, report } = plan.seeds;
  const first = report[0]!;
  return {
    ...plan,
    seeds: {
      tune,
      report: count === undefined ? report : Array.from({ length: count }, (_, i) => first + i),
    },
    cells: plan.cells.filter(
      (cell) =>
        (panel?.includes(cell.panel) ?? true) &&
        (cell.arm === plan.reference || (arm?.includes(cell.arm) ?? true)),
    ),
  };
}

/** The plan with the datasets that are there, each read once. Those without files are left out, if any is left. */
async function withData(
  plan: StudyPlan,
  folders: readonly string[],
  signal: AbortSignal,
): Promise<{ plan: StudyPlan; dataset: (name: string) => Promise<Dataset> }> {
  const data = new Map<string, Dataset>();
  let missing: TangentLabError | undefined;
  const names = [...new Set(plan.cells.map((cell) => cell.dataset))];
  checkOptions(names, { data: folders });
  for (const name of names) {
    try {
      data.set(name, await loadDataset(name, { data: folders }, signal));
    } catch (error) {
      if (!(error instanceof TangentLabError) || error.code !== "file-system") throw error;
      if (folderOf(name, folders) !== undefined) throw error; // that was asked for
      missing = error;
      console.error(`left out: ${error.message}`);
    }
  }
  if (data.size === 0 && missing) throw missing;
  const cells = plan.cells.filter((cell) => data.has(cell.dataset));
  const lacking = cells.flatMap((cell) => {
    const why = cell.missing?.();
    return why === undefined ? [] : [{ cell, why }];
  });
  for (const { arm, why } of new Map(lacking.map(({ cell: { arm }, why }) => [arm, { arm, why }])).values())
    console.error(`left out: ${arm}: ${why}`);
  return {
    plan: { ...plan, cells: cells.filter((cell) => !lacking.some((each) => each.cell === cell)) },
    dataset: async (name) => data.get(name)!,
  };
}

/** Measures in a document's table: each has two columns. */
const mostMeasures = 6;

const tables = (record: StudyRecord, measures?: number): string =>
  [
    ...(record.details ? [mendedTexts(record.details.mended)] : []),
    ...record.panels.map((panel) =>
      [panel.name, markdown(outcomeTable(record, panel, measures)), ...trendNotes(record, panel)].join(
        "\n\n",
      ),
    ),
  ].join("\n\n");

/** What the study's own part of the report says first. */
const mendedTexts = (record: MendedRecord): string =>
  [
    gapText(record),
    ...(Object.keys(record.pictures) as SplitName[]).map(
      (split) => `${split} combinations\n\n${markdown(mendedTable(record, split))}`,
    ),
  ].join("\n\n");

/** Where a document has the numbers: those of one panel have a place of their own, so that others, with other seeds, stay. */
function sectionName(study: string, { panel }: StudyOptions): string {
  const panels = [...new Set(panel)];
  return ["experiment", study, ...(panels.length === 1 ? panels : [])].join("-");
}

/** For a document, as on the screen: the measures that matter most; the report has all. */
function section(record: StudyRecord, options: StudyOptions): string {
  const command = shellCommand(["tangent-lab", "experiment", record.name, ...studyWords(options)]);
  return [
    tables(record, mostMeasures),
    "",
    `${tableNote(record)}${tuningNote(record)} ${record.date.slice(0, 10)}, \`${command}\`.`,
  ].join("\n");
}
