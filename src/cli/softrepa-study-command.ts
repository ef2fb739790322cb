import { join, resolve } from "node:path";
import { isCaptioned } from "../../datasets/index.js";
import { renderSoftRepaStudy, softRepaNote, softRepaTable } from "../../viz/report/softrepa-study.js";
import { markdown } from "../../viz/report/study-table.js";
import { type DeviceName, describeDevice, useDevice } from "../engine/device.js";
import { check } from "../errors.js";
import { machine, versions } from "../experiments/provenance.js";
import { type SoftRepaStudyRecord, softRepaStudy, studyPlan } from "../experiments/softrepa/study.js";
import { writeFileAtomically } from "../io/files.js";
import { updateSection } from "../io/sections.js";
import type { ExperimentArguments } from "./experiment-command.js";
import { Interrupted } from "./interrupt.js";
import { checkOptions, loadDataset } from "./load-dataset.js";
import { follow } from "./progress.js";
import { claimReport } from "./report-folder.js";

/** `tangent-lab experiment softrepa`: the main job with several seeds and several kinds of tokens; trainings that were finished before are read. */
export async function softRepaStudyCommand(args: ExperimentArguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const { quick, seeds: count = quick ? 2 : 3, panel = ["objects"] } = args;
  const out = args.out ?? join("report", quick ? "softrepa-study-quick" : "softrepa-study");
  check.count("--seeds", count, 2);
  check(panel.length === 1, "--panel", panel, "one captioned dataset");
  await useDevice(args.engine as DeviceName | "auto");
  const engine = await describeDevice();
  checkOptions(panel, { data: args.data ?? [] });
  const data = await loadDataset(panel[0]!, {});
  check(
    isCaptioned(data) && data.readOut !== undefined,
    "--panel",
    panel[0],
    "captioned data with a read-out",
  );
  const plan = studyPlan(quick);
  const seeds = Array.from({ length: count }, (_, i) => 10 + i);
  await claimReport(out, "plan.json", { ...plan, seeds }, { resume: false });
  console.error(`engine: ${engine}`);
  const found = await softRepaStudy(data, plan, seeds, {
    folder: join(out, "runs"),
    resume: true,
    cache: undefined,
    signal,
    follow,
  });
  if (!found) {
    const again = "the same command continues with the trainings that are not finished";
    throw new Interrupted(signal.reason as NodeJS.Signals, `stopped; ${again}`);
  }
  const record: SoftRepaStudyRecord = {
    name: "softrepa",
    title: "Do soft tokens make images say what their captions say?",
    question:
      "A text-to-image flow is frozen and soft tokens are trained for it by SoftREPA's contrastive loss: do generated and edited images agree better with their captions, on combinations " +
      "of attributes that were seen and on others, what does it cost, and what of the tokens matters?",
    date: new Date().toISOString(),
    seconds: (performance.now() - started) / 1000,
    quick,
    dataset: data.name,
    seeds,
    ...found,
    settings: { ...plan },
    machine: machine(engine),
    versions: versions(),
  };
  await writeFileAtomically(join(out, "results.json"), `${JSON.stringify(record, null, 1)}\n`);
  const path = resolve(out, "index.html");
  await writeFileAtomically(path, await renderSoftRepaStudy(record));
  console.log(path);
  console.log(markdown(softRepaTable(record)));
  if (!args.readme) return;
  const command = `tangent-lab experiment softrepa${quick ? " --quick" : ""}`;
  const note = `${softRepaNote(record)} ${record.date.slice(0, 10)}, \`${command}\`.`;
  const table = markdown(softRepaTable(record, { all: false }));
  await updateSection(args.readme, "experiment-softrepa", `${table}\n\n${note}`);
}
