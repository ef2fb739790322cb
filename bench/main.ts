import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { performance } from "node:perf_hooks";
import * as tf from "@tensorflow/tfjs-core";
import { Command, InvalidArgumentError, Option } from "commander";
import { min } from "simple-statistics";
import { compile } from "../src/engine/compile.js";
import {
  compiles,
  type DeviceName,
  describeDevice,
  deviceNames,
  threadsVariable,
  useDevice,
} from "../src/engine/device.js";
import { multiplyAdds } from "../src/engine/onnx/compile.js";
import * as random from "../src/engine/random.js";
import type { Tensor } from "../src/engine/tensor.js";
import * as tree from "../src/engine/tree.js";
import { TangentLabError } from "../src/errors.js";
import { writeFileAtomically } from "../src/io/files.js";
import { type Comparison, comparisons } from "./comparisons/index.js";
import { alternate, difference, once } from "./measure.js";
import { peakMemory } from "./memory.js";
import { ours } from "./ours.js";
import { PyTorch } from "./peers/pytorch.js";
import { markdown, onGpu, plain, type Report, type Section } from "./report.js";
import type { Run, Runner } from "./runner.js";
import { type Workload, workloads } from "./workloads/index.js";

/** Threads of every participant. */
const threads = 2;
/** First steps whose losses must agree, and to what relative difference: float32 in another order, some steps on. */
const paritySteps = 3;
const parityTolerance = 0.01;

/** What takes longer is run once on each side. */
const longSeconds = 15;

interface Options {
  engine: DeviceName;
  python: string;
  only: string[];
  seconds: number;
  memory: boolean;
  update: boolean;
  json?: string;
}

const names = [...Object.keys(workloads), ...Object.keys(comparisons)];

const program = new Command("bench")
  .description(
    "Times training steps, UMAP and live charts against other ways to do the same, in alternation in one run.",
  )
  .addOption(
    new Option(
      "--engine <name>",
      "of a GPU: training steps on it, against PyTorch on the same card by CUDA, as a table with date and card",
    )
      .choices(deviceNames.filter(compiles))
      .default("onnx"),
  )
  .option("--python <path>", "a Python with PyTorch and umap-learn", "python3")
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
  .option("--memory", "also the most memory that a process of its own holds", false)
  .option("--update", "write docs/speed.md, with all rows and --memory, from this one run", false)
  .option("--json <file>", "also write everything measured to a file");

try {
  await main(program.parse().opts<Options>());
} catch (error) {
  if (!(error instanceof TangentLabError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

async function main(options: Options): Promise<void> {
  const gpu = options.engine !== "onnx";
  if (gpu && (options.update || options.memory))
    throw new TangentLabError("invalid-argument", `invalid ${options.update ? "--update" : "--memory"}`, {
      argument: options.update ? "--update" : "--memory",
      given: `--engine ${options.engine}`,
      allowed: "with --engine onnx: docs/speed.md and the memory are the processor's",
    });
  if (options.update && options.only.length < names.length)
    throw new TangentLabError("invalid-argument", "invalid --update", {
      argument: "--update",
      given: `--only ${options.only.join(",")}`,
      allowed: "all rows: the page is written from one run",
    });
  process.env[threadsVariable] = `${threads}`;
  await useDevice(options.engine);
  const engine = await describeDevice();
  if (gpu) console.log(engine);
  const steps = options.only.filter((name) => name in workloads);
  const tensorflow = !gpu && steps.length > 0 && (await available("tensorflow"));
  const where = gpu ? "cuda" : "cpu";
  const torch = steps.length > 0 ? await PyTorch.start(options.python, threads, where) : undefined;
  if (steps.length > 0 && !gpu && !tensorflow)
    console.log("tfjs-node is left out: neither @tensorflow/tfjs-node-gpu nor tfjs-node is installed");
  if (steps.length > 0 && !torch)
    console.log(
      `PyTorch is left out: ${options.python} has none${gpu ? " that finds a card for CUDA" : ""} (--python PATH)`,
    );
  // On a GPU a product between two copies says nothing of its peak.
  const peak = gpu ? undefined : await peakRate();
  if (peak) console.log(`peak: ${(peak / 1e9).toFixed(0)} GFLOP/s on ${threads} threads`);
  const sections: Section[] = [];
  try {
    for (const name of steps) {
      const timed = await measure(workloads[name]!(), options, tensorflow, torch, peak);
      const memory =
        (options.memory || options.update) && (await peakMemory(name, torch && options.python, threads));
      const section = { ...timed, ...(memory && { memory }) };
      console.log(`\n${plain(section)}`);
      sections.push(section);
    }
  } finally {
    await torch?.close();
  }
  const rest = options.only.filter((name) => name in comparisons);
  if (gpu && rest.length > 0) console.log(`${rest.join(", ")}: left out, no steps on a GPU`);
  for (const name of gpu ? [] : rest) {
    const section = await measureComparison(name, comparisons[name]!, options);
    if (!section) continue;
    console.log(`\n${plain(section)}`);
    sections.push(section);
  }
  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    machine: cpus()[0]!.model.trim(),
    threads,
    versions: [`Node ${process.versions.node}`, ...(torch ? [`PyTorch ${torch.version}`] : [])].join(", "),
    peak: peak ?? Number.NaN,
    nanosecondsPerNormal: nanosecondsPerNormal(),
    sections,
  };
  if (gpu) console.log(`\n${onGpu(report, engine, torch?.card)}`);
  console.log(`\nstandard normals: ${report.nanosecondsPerNormal.toFixed(2)} ns each`);
  if (options.json) await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (options.update) await writeFileAtomically("docs/speed.md", markdown(report));
}

/** One workload on all participants, after a check that they compute the same. */
async function measure(
  workload: Workload,
  { engine, seconds }: Options,
  tensorflow: boolean,
  torch: PyTorch | undefined,
  peak: number | undefined,
): Promise<Section> {
  const runners = [await ours(workload, engine, "tangent-lab")];
  if (workload.small && engine === "onnx") runners.push(await ours(workload, "wasm", "tfjs wasm"));
  if (workload.small && tensorflow) runners.push(await ours(workload, "tensorflow", "tfjs-node"));
  if (torch) runners.push(await torch.load(workload, false));
  if (torch && workload.small) runners.push(await torch.load(workload, true));
  const { able, reference } = await compare(workload.name, runners, paritySteps, parityTolerance);
  const [first, second] = reference.seconds as [number, number];
  const measurements = await alternate(able, seconds);
  for (const runner of runners) await runner.close();
  const timed = { title: workload.title, measurements, compileSeconds: first - second };
  if (peak === undefined) return timed;
  await useDevice("onnx");
  const [state, batch] = [workload.state(), workload.batch()];
  const floor = (2e3 * (await multiplyAdds(workload.step, [state, batch]))) / peak;
  tree.dispose([state, batch]);
  return { ...timed, floor };
}

/** One comparison; undefined, with a line why, where the other side cannot be had. */
async function measureComparison(
  name: string,
  { title, tolerance, runners: start }: Comparison,
  { python, seconds }: Options,
): Promise<Section | undefined> {
  const runners = await start(python, threads);
  if (typeof runners === "string") {
    console.log(`${name} is left out: ${runners}`);
    return undefined;
  }
  try {
    await compare(name, runners, 1, tolerance); // compiles: Numba for each size of data anew
    const { runs } = await compare(name, runners, 1, tolerance);
    const times = runs.map((run) => run.seconds[0]!);
    const measurements =
      Math.max(...times) > longSeconds ? once(runners, times) : await alternate(runners, seconds);
    return { title, whole: true, measurements };
  } finally {
    for (const runner of runners) await runner.close();
  }
}

/**
 * All participants take the same first steps; their metrics must agree. Returns those that could, without such as torch.compile where
 * there is no C++ compiler.
 */
async function compare(
  title: string,
  runners: readonly Runner[],
  steps: number,
  tolerance: number,
): Promise<{ able: Runner[]; reference: Run; runs: Run[] }> {
  const able: Runner[] = [];
  const runs: Run[] = [];
  let reference: Run | undefined;
  for (const runner of runners) {
    let run: Run;
    try {
      run = await runner.run(steps);
    } catch (error) {
      if (!reference) throw error;
      console.log(`${runner.name} is left out: ${(error as Error).message}`);
      continue;
    }
    reference ??= run;
    if (!(difference(reference, run) <= tolerance)) {
      const metrics = [reference, run].map(({ metrics }) => JSON.stringify(metrics));
      throw new Error(`${title}: ${runner.name} computes something else: ${metrics.join(" against ")}`);
    }
    able.push(runner);
    runs.push(run);
  }
  return { able, reference: reference!, runs };
}

/** Floating-point operations per second of whatever is faster: a matrix product of 1024 or a convolution of 128 channels. */
async function peakRate(): Promise<number> {
  await useDevice("onnx");
  const product = compile(
    (a: Tensor, b: Tensor) => tf.sum(tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D)) as Tensor,
  );
  const convolution = compile(
    (x: Tensor, filter: Tensor) =>
      tf.sum(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, "same")) as Tensor,
  );
  const rates = [
    await rate(product, [tf.ones([1024, 1024]), tf.ones([1024, 1024])], 2 * 1024 ** 3),
    await rate(
      convolution,
      [tf.ones([16, 16, 16, 128]), tf.ones([3, 3, 128, 128])],
      2 * 16 * 256 * 9 * 128 ** 2,
    ),
  ];
  return Math.max(...rates);
}

async function rate(
  f: (a: Tensor, b: Tensor) => Promise<Tensor>,
  [a, b]: readonly [Tensor, Tensor],
  operations: number,
): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 60; i++) {
    const start = performance.now();
    tree.dispose(await f(a, b));
    least = Math.min(least, (performance.now() - start) / 1000);
  }
  tree.dispose([a, b]);
  return operations / least;
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
