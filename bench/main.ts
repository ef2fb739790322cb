import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { performance } from "node:perf_hooks";
import { Command, InvalidArgumentError, Option } from "commander";
import { min } from "simple-statistics";
import { type DeviceName, useDevice } from "../src/engine/device.js";
import * as random from "../src/engine/random.js";
import { TangentLabError } from "../src/errors.js";
import { updateSection } from "../src/io/index.js";
import { alternate, difference } from "./measure.js";
import { ours } from "./ours.js";
import { pytorch, pytorchVersion } from "./peers/pytorch.js";
import { markdown, plain, type Report, type Section } from "./report.js";
import type { Run, Runner } from "./runner.js";
import { type Workload, workloads } from "./workloads.js";

/** Threads of every participant. */
const threads = 2;
/** First steps whose losses must agree, and to what relative difference: float32 in another order, some steps on. */
const paritySteps = 3;
const parityTolerance = 0.01;

interface Options {
  python: string;
  only: string[];
  seconds: number;
  updateReadme: boolean;
  json?: string;
}

const names = Object.keys(workloads);

const program = new Command("bench")
  .description("Times whole training steps against other libraries, in alternation in one run.")
  .option("--python <path>", "a Python with PyTorch", "python3")
  .addOption(
    new Option("--only <names>", `some of ${names.join(",")}`)
      .default(names, "all")
      .argParser((value: string) => {
        const chosen = value.split(",");
        const unknown = chosen.find((name) => !names.includes(name));
        if (unknown !== undefined)
          throw new InvalidArgumentError(`${unknown} is none of ${names.join(", ")}.`);
        return chosen;
      }),
  )
  .option("--seconds <n>", "time to measure for each workload, in seconds", positive, 20)
  .option("--update-readme", "replace the table in README.md", false)
  .option("--json <file>", "also write everything measured to a file");

try {
  await main(program.parse().opts<Options>());
} catch (error) {
  if (!(error instanceof TangentLabError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

async function main(options: Options): Promise<void> {
  const tensorflow = await available("tensorflow");
  const torch = await pytorchVersion(options.python, threads);
  if (!tensorflow)
    console.log("tfjs-node is left out: neither @tensorflow/tfjs-node-gpu nor tfjs-node is installed");
  if (!torch) console.log(`PyTorch is left out: ${options.python} has none (--python PATH)`);
  if (availableParallelism() !== threads)
    console.log(
      `${availableParallelism()} processors here: ONNX Runtime takes one thread for each, PyTorch ${threads}`,
    );
  const sections: Section[] = [];
  for (const name of options.only) {
    const section = await measure(workloads[name]!(), options, tensorflow, torch !== undefined);
    console.log(`\n${plain(section)}`);
    sections.push(section);
  }
  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    machine: cpus()[0]!.model.trim(),
    threads,
    versions: [`Node ${process.versions.node}`, ...(torch ? [`PyTorch ${torch}`] : [])].join(", "),
    nanosecondsPerNormal: nanosecondsPerNormal(),
    sections,
  };
  console.log(`\nstandard normals: ${report.nanosecondsPerNormal.toFixed(2)} ns each`);
  if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (options.updateReadme) await updateSection("README.md", "bench", markdown(report));
}

/** One workload on all participants, after a check that they compute the same. */
async function measure(
  workload: Workload,
  { python, seconds }: Options,
  tensorflow: boolean,
  torch: boolean,
): Promise<Section> {
  const runners: Runner[] = [await ours(workload, "onnx", "tangent-lab")];
  try {
    runners.push(await ours(workload, "wasm", "tfjs wasm"));
    if (tensorflow) runners.push(await ours(workload, "tensorflow", "tfjs-node"));
    if (torch) {
      runners.push(await pytorch(workload, python, threads, false));
      await add(runners, "torch.compile", () => pytorch(workload, python, threads, true));
    }
    await compare(workload, runners);
    return { title: workload.title, measurements: await alternate(runners, seconds) };
  } finally {
    for (const runner of runners) await runner.close();
  }
}

/** All participants take the same first steps; their losses must agree. */
async function compare(workload: Workload, runners: readonly Runner[]): Promise<void> {
  const runs: Run[] = [];
  for (const runner of runners) runs.push(await runner.run(paritySteps));
  const [first, ...others] = runs;
  others.forEach((other, i) => {
    const worst = difference(first!, other);
    if (!(worst <= parityTolerance)) {
      const losses = [first!, other].map((run) =>
        run.metrics.map(({ loss }) => loss!.toPrecision(6)).join(" "),
      );
      throw new Error(
        `${workload.name}: ${runners[i + 1]!.name} computes something else: losses ${losses.join(" against ")}`,
      );
    }
  });
}

/** A participant that may not work here, such as torch.compile without a C++ compiler. */
async function add(runners: Runner[], name: string, start: () => Promise<Runner>): Promise<void> {
  let runner: Runner | undefined;
  try {
    runner = await start();
    runners.push(runner);
  } catch (error) {
    console.log(`${name} is left out: ${(error as Error).message}`);
  }
}

async function available(device: DeviceName): Promise<boolean> {
  try {
    await useDevice(device);
    return true;
  } catch {
    return false;
  }
}

function nanosecondsPerNormal(): number {
  const count = 1e6;
  const seconds = Array.from({ length: 20 }, (_, i) => {
    const start = performance.now();
    random.normal(random.key(i), count);
    return (performance.now() - start) / 1000;
  });
  return (min(seconds) / count) * 1e9;
}

function positive(value: string): number {
  const number = Number(value);
  if (!(number > 0)) throw new InvalidArgumentError("It must be a number > 0.");
  return number;
}
