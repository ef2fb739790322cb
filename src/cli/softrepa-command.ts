import { join, resolve } from "node:path";
import { isCaptioned } from "../../datasets/index.js";
import { gapText, mendedTable } from "../../viz/report/mended.js";
import { renderSoftRepa } from "../../viz/report/softrepa.js";
import { markdown } from "../../viz/report/study-table.js";
import { type DeviceName, describeDevice, useDevice } from "../engine/device.js";
import * as random from "../engine/random.js";
import { check } from "../errors.js";
import { machine, versions } from "../experiments/provenance.js";
import { softRepaJob } from "../experiments/softrepa/job.js";
import { jobPlan, quickPlan } from "../experiments/softrepa/plan.js";
import type { SoftRepaRecord } from "../experiments/softrepa/record.js";
import { weightsCache } from "../experiments/weights.js";
import { writeFileAtomically } from "../io/files.js";
import { fingerprintOfData } from "../loop/data.js";
import { Interrupted } from "./interrupt.js";
import { loadDataset } from "./load-dataset.js";
import { follow } from "./progress.js";
import { claimReport } from "./report-folder.js";

export interface SoftRepaArguments {
  quick: boolean;
  dataset: string;
  out: string;
  seed: number;
  engine: string;
  resume: boolean;
  cache: boolean;
}

/** `tangent-lab softrepa`: trains a text-to-image flow on captions of which some are wrong, mends it with soft tokens and in other ways, generates and edits with each, writes the report. */
export async function softRepaCommand(args: SoftRepaArguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const { quick, seed, out, resume } = args;
  random.key(seed); // its check
  await useDevice(args.engine as DeviceName | "auto");
  const engine = await describeDevice();
  const data = await loadDataset(args.dataset, { seed }, signal);
  check(
    isCaptioned(data) && data.readOut !== undefined,
    "--dataset",
    args.dataset,
    "objects, pairs, portraits or emoji, with 32 pixels too: captioned data with a read-out",
  );
  const { flow, ...rest } = quick ? quickPlan : jobPlan;
  // As many patches of larger pictures.
  const plan = {
    ...rest,
    flow: { ...flow, patch: flow.patch * Math.max(1, Math.round(data.shape[0]! / 16)) },
  };
  const decided = { ...plan, seed, dataset: data.name, data: await fingerprintOfData(data) };
  const cache = args.cache ? weightsCache() : undefined;
  await cache?.check();
  const finish = await claimReport(out, "plan.json", decided, { resume });
  console.error(`engine: ${engine}`);
  const place = { folder: join(out, "checkpoints"), resume, cache, signal, follow };
  const job = await softRepaJob(data, plan, seed, place, out);
  if (!job) {
    throw new Interrupted(
      signal.reason as NodeJS.Signals,
      "stopped; the same command with --resume continues",
    );
  }
  const record: SoftRepaRecord = {
    title: "Do soft tokens mend what wrong captions have taught?",
    date: new Date().toISOString(),
    seconds: (performance.now() - started) / 1000,
    ...{ quick, dataset: data.name, shape: [...data.shape] },
    ...job,
    settings: { seed, ...plan },
    machine: machine(engine),
    versions: versions(),
  };
  await writeFileAtomically(join(out, "results.json"), `${JSON.stringify(record)}\n`);
  const path = resolve(out, "index.html");
  await writeFileAtomically(path, await renderSoftRepa(record));
  await finish();
  console.log(path);
  console.log(gapText(record.mended));
  console.log(markdown(mendedTable(record.mended, "seen")));
}
