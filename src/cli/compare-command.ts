import { existsSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { save } from "../../viz/render/save.js";
import { fieldChart } from "../../viz/report/charts.js";
import { renderReport } from "../../viz/report/report.js";
import { defaultNetwork } from "../diffusion/train.js";
import { type DeviceName, describeDevice, useDevice } from "../engine/device.js";
import * as random from "../engine/random.js";
import { check } from "../errors.js";
import { compare, headlines, plans } from "../experiments/compare.js";
import type { ComparisonRecord, ReportData } from "../experiments/compare-record.js";
import { machine, versions } from "../experiments/provenance.js";
import { weightsCache } from "../experiments/weights.js";
import { writeFileAtomically } from "../io/files.js";
import { checkSection, updateSection } from "../io/sections.js";
import { fingerprintOfData, imageShape } from "../loop/data.js";
import type { Json } from "../loop/record.js";
import { defaultFeatures } from "../manifold/train.js";
import { Interrupted } from "./interrupt.js";
import { checkOptions, loadDataset } from "./load-dataset.js";
import { follow } from "./progress.js";
import { claimReport } from "./report-folder.js";

export interface CompareArguments {
  quick: boolean;
  out: string;
  seed: number;
  batchSize?: number;
  classConditional?: boolean;
  engine: string;
  dataset?: string[];
  data?: string[];
  size?: number;
  range?: [number, number];
  flip: boolean;
  onDisk: boolean;
  resume: boolean;
  cache: boolean;
  readme?: string;
}

/** Examples of a batch that memory holds. */
const mostInBatch = 65_536;

/** `tangent-lab compare`: checks everything first, then trains, then writes the report. */
export async function compareCommand(args: CompareArguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const { quick, seed, batchSize, resume, classConditional = false } = args;
  const fits = batchSize === undefined || (batchSize >= 1 && batchSize <= mostInBatch);
  check(fits, "--batch-size", batchSize, `an integer from 1 to ${mostInBatch}`);
  random.key(seed); // its check
  await useDevice(args.engine as DeviceName | "auto");
  const engine = await describeDevice();
  const names = [...new Set(args.dataset ?? ["spiral-16d", "digits"])];
  checkOptions(names, args);
  const datasets = [];
  for (const name of names) datasets.push(await loadDataset(name, args, signal));
  for (const { name, numClasses = 0 } of datasets)
    check(
      !classConditional || numClasses >= 2,
      "--class-conditional",
      name,
      "--dataset with classes, two or more, such as digits",
    );
  // Images of a size that these do not take are found now and not after minutes of training.
  for (const data of datasets) {
    for (const network of [defaultNetwork, defaultFeatures]) network(data, 1);
    const image = imageShape(data);
    const isJudged = image && (data.numClasses ?? 0) >= 2;
    const allowed = "a multiple of 8, of pictures with classes: the classifier that judges samples needs it";
    check(!isJudged || image.size % 8 === 0, "--size", image?.size, allowed);
  }
  const settings = {
    quick,
    seed,
    datasets: names,
    data: Object.fromEntries(
      await Promise.all(datasets.map(async (data) => [data.name, await fingerprintOfData(data)] as const)),
    ),
    batchSize: batchSize ?? plans.points.full.consistency.batchSize,
    ...(classConditional && { classConditional }),
    plans: Object.fromEntries(
      Object.entries(plans).map(([name, plan]) => [name, plan[quick ? "quick" : "full"]]),
    ),
  };
  if (args.readme !== undefined) await checkSection(args.readme, "results");
  const finish = await claimReport(args.out, "settings.json", settings as Record<string, Json>, { resume });
  const cache = args.cache ? weightsCache() : undefined;
  await cache?.check();
  console.error(`engine: ${engine}`);

  const comparisons: ComparisonRecord[] = [];
  for (const data of datasets) {
    const comparison = await compare(data, {
      quick,
      seed,
      batchSize,
      classConditional,
      models: join(args.out, "models"),
      place: { folder: join(args.out, "checkpoints"), resume, cache, signal, follow },
    });
    if (!comparison) {
      const again = "the same command with --resume continues";
      throw new Interrupted(signal.reason as NodeJS.Signals, `stopped; ${again}`);
    }
    comparisons.push(comparison);
  }
  const numbers = headlines(comparisons);
  const report: ReportData = {
    title: "Where do a consistency model's tangents point?",
    date: new Date().toISOString(),
    comparisons,
    headlines: numbers,
    more: study(args.out, names.includes("digits")),
    settings,
    machine: machine(engine),
    versions: versions(),
    seconds: (performance.now() - started) / 1000,
  };
  const path = resolve(args.out, "index.html");
  await writeFileAtomically(path, await renderReport(report));
  await finish();
  console.log(path);
  for (const { label, value } of numbers) console.log(`${label}: ${value}`);
  console.log(`models: ${resolve(args.out, "models")} (tangent-lab sample)`);
  if (args.readme !== undefined) await updateReadme(args.readme, report);
}

/** Where several seeds are: the convergence study's report, where there is one in this folder, else its numbers in our docs. */
function study(out: string, hasDigits: boolean): ReportData["more"] {
  const several = hasDigits
    ? "Several seeds and their 95% intervals: tangent-lab experiment convergence --panel digits."
    : "Several seeds of your own: experiments.run, in lesson 08. Ours, on digits and portraits:";
  const text = `One seed each: differences of this size may be chance. ${several}`;
  const own = join(out, "convergence", "index.html");
  if (existsSync(own)) return { text, link: "Its report", href: "convergence/index.html" };
  const pages = ["../../docs/results.md", "../../../docs/results.md"]; // from src or from dist
  const page = pages
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  const path = relative(resolve(out), page ?? resolve("docs/results.md"));
  return { text, link: "Its numbers, in docs/results.md", href: encodeURI(path.split(sep).join("/")) };
}

/** The file's section, and the picture beside it: the tangents on the first dataset whose manifold is known. */
async function updateReadme(file: string, report: ReportData): Promise<void> {
  await updateSection(file, "results", results(report));
  const known = report.comparisons.find(({ manifoldDim }) => manifoldDim !== null);
  const [draw] = known ? fieldChart(known) : [];
  if (draw) await save(draw(), join(dirname(file), "tangents.png"));
}

/** The headlines as a table, with what produced them. */
const results = ({ headlines: numbers, date, seconds }: ReportData): string =>
  [
    "| | | |",
    "|---|---|---|",
    ...numbers.map(({ label, value, detail }) => `| ${label} | **${value}** | ${detail} |`),
    "",
    `One seed, ${date.slice(0, 10)}, in ${Math.round(seconds)} s: \`npm start -- --readme docs/results.md\`. Differences of this size between two runs are no proof: ` +
      "`tangent-lab experiment convergence` has several seeds and their intervals.",
  ].join("\n");
