#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { names } from "../../datasets/index.js";
import { check, TangentLabError } from "../errors.js";
import { studies } from "../experiments/index.js";
import { versions } from "../experiments/provenance.js";
import type { Shard } from "../experiments/schedule.js";
import { type CompareArguments, compareCommand } from "./compare-command.js";
import { type DoctorArguments, doctorCommand } from "./doctor-command.js";
import { type ExperimentArguments, experimentCommand } from "./experiment-command.js";
import { type ExportArguments, exportCommand } from "./export-command.js";
import { Interrupted, interruptible } from "./interrupt.js";
import { type LinkCudaArguments, linkCudaCommand } from "./link-cuda-command.js";
import { type LinkTensorFlowArguments, linkTensorFlowCommand } from "./link-tensorflow-command.js";
import { dataHelp } from "./load-dataset.js";
import { type MergeArguments, mergeCommand } from "./merge-command.js";
import { initCommand } from "./notebook/init-command.js";
import { installKernel, type KernelPlace, listKernels, removeKernel } from "./notebook/kernel-command.js";
import type { KernelSettings } from "./notebook/kernelspec.js";
import { labCommand } from "./notebook/lab-command.js";
import { type SampleArguments, sampleCommand } from "./sample-command.js";
import { type SoftRepaArguments, softRepaCommand } from "./softrepa-command.js";
import {
  type EditArguments,
  editCommand,
  type GenerateArguments,
  generateCommand,
} from "./softrepa-use-commands.js";
import { type TokensArguments, tokensCommand } from "./tokens-command.js";
import { type VerifyArguments, verifyCommand } from "./verify-command.js";

/** Exit codes: 2 bad input, 1 anything else that failed, 128 + n stopped by a signal. */
async function main(): Promise<number> {
  const program = new Command("tangent-lab")
    .description("Train consistency models and see where their tangents point")
    .version(versions()["tangent-lab"]!)
    .exitOverride()
    .enablePositionalOptions() // an option after `experiment merge` is merge's
    .configureOutput({ outputError: (text, write) => write(text) });
  program
    .command("compare")
    .description(
      "trains models that differ only in their loss: pixels, MFD, and both or, of images, MFD in untrained features; writes a report",
    )
    .option("--quick", "a small version of it, under a minute", false)
    .option("--out <folder>", "where the report goes", "report")
    .option("--seed <integer>", "seed of all random numbers", integer, 0)
    .option("--batch-size <integer>", "examples per step of the consistency models", integer)
    .option("--class-conditional", "train class-conditional models, on a dataset with classes", false)
    .option("--engine <name>", engineHelp, "auto")
    .option(
      "--dataset <name>",
      `one or more of: ${names.join(", ")}, or points in more dimensions, such as spiral-16d (default: spiral-16d and digits)`,
      several,
    )
    .option("--data <path>", dataHelp, several)
    .option(
      "--size <pixels>",
      "height and width of images, a multiple of 4, with classes of 8: of digits, fashion, cifar-10, cifar-100, images, shapes and shapes-rgb",
      integer,
    )
    .option("--flip", "mirror half of all images that are drawn, left for right", false)
    .option("--on-disk", "leave `images` in the cache folder, decoded: for sets larger than memory", false)
    .option(
      "--range <black,white>",
      "values of black and white in an `array` of real numbers, such as 0,1",
      pair,
    )
    .option(
      "--readme <file>",
      "also write the numbers into this file's section `results`, and docs/tangents.png beside it",
    )
    .option("--no-cache", "train denoisers and feature networks anew, and do not keep them for other runs")
    .option("--resume", "continue what was interrupted, from the checkpoints in the report's folder", false)
    .action((options: CompareArguments) => interruptible((signal) => compareCommand(options, signal)));
  const experiment = program.command("experiment");
  experiment
    .command("merge")
    .description("joins the finished trials of shards' folders into one")
    .argument("<folders...>", "of the same study and plan")
    .requiredOption("--out <folder>", "a new folder, or a study's")
    .action((folders: string[], options: MergeArguments) => mergeCommand(folders, options));
  experiment
    .description("a reproducible study over several seeds; started again, it continues")
    .argument("<name>", `one of: ${studies.map(({ name }) => name).join(", ")}`)
    .option("--quick", "a small version, under 40 s, whose numbers say nothing", false)
    .option("--seeds <count>", "seeds that are reported; one has no intervals (default: 3)", integer)
    .option("--panel <name>", "one or more of the study's parts, of those below (default: all)", several)
    .option(
      "--arm <name>",
      "one or more of what is compared, besides the reference (default: all; one that is not known lists them)",
      several,
    )
    .option(
      "--out <folder>",
      "where runs, results and report go (default: report/<name>, with --quick report/<name>-quick)",
    )
    .option("--engine <name>", engineHelp, "auto")
    .option("--data <path>", dataHelp, several)
    .option("--no-cache", "train denoisers and feature networks anew, and do not keep them for other runs")
    .option("--jobs <count>", "trials at a time, each with its share of the threads", integer, 1)
    .option("--shard <k/n>", "only the k-th of n parts, for several machines: 3/16", shard)
    .addOption(
      new Option("--submit <cluster>", "runs nothing: writes a file with which a cluster runs all shards")
        .choices(["slurm", "kubernetes"])
        .conflicts(["shard", "readme", "worker"]),
    )
    .option("--shards <count>", "with --submit: parts of the study, each a task of the cluster", integer)
    .option("--cpus <count>", "with --submit: cores of each shard (default: 2, or --jobs)", integer)
    .option("--memory <GiB>", "with --submit: memory of each shard (default: 4)", integer)
    .option(
      "--image <name>",
      "with --submit: the container image, of the Dockerfile (default: on Slurm none; tangent-lab:VERSION)",
    )
    .option(
      "--claim <name>",
      "with --submit kubernetes: the PersistentVolumeClaim to which all shards write (default: tangent-lab)",
    )
    .option("--to <folder>", "with --submit: where the file goes (default: the current folder)")
    .addOption(new Option("--worker").hideHelp())
    .option(
      "--readme <file>",
      "also write the numbers into this file's section `experiment-<name>`, with one --panel `experiment-<name>-<panel>`",
    )
    .addHelpText("after", ["", "Studies:", ...studies.map(studyLine)].join("\n"))
    .action((name: string, options: ExperimentArguments) =>
      interruptible((signal) => experimentCommand(name, options, signal)),
    );
  program
    .command("sample")
    .usage("<model> [options]")
    .description("draws from a trained consistency model or denoiser: images as one PNG, points as a chart")
    .argument(
      "[model]",
      "a file in the folder `models` of `tangent-lab compare`, or another that `saveDenoiser` wrote; or a pipeline's folder as diffusers writes it",
    )
    .option("--model <path>", "the same")
    .option("--count <integer>", "samples", integer, 64)
    .option("--steps <integer>", "steps from noise to data (default: 1, of a solver 18)", integer)
    .option(
      "--sampler <name>",
      "consistency, or a solver for denoisers: euler, heun, stochastic (default: consistency, for a denoiser heun)",
    )
    .option(
      "--class <integer>",
      "the class to draw, of a model with classes (default: all classes, a column of images each)",
      integer,
    )
    .option("--seed <integer>", "seed of the noise", integer, 0)
    .option("--scale <integer>", "pixels of the PNG per pixel of an image", integer, 4)
    .option("--engine <name>", engineHelp, "auto")
    .option("--out <file>", "the PNG, for points also html or svg", "samples.png")
    .action((model: string | undefined, options: SampleArguments) =>
      sampleCommand({ ...options, model: oneModel(model, options.model) }),
    );
  program
    .command("export")
    .description(
      "writes a trained consistency model as a one-step generator in an ONNX file, for browsers, Python and others",
    )
    .argument("<model>", "as of `sample`")
    .option("--out <file>", "an .onnx file: a new one, or one of an earlier export", "model.onnx")
    .option("--batch <integer>", "examples at a time (default: any number)", integer)
    .option("--sigma <number>", "noise level of what it takes (default: the model's highest, 80)", Number)
    .action((model: string, options: ExportArguments) => exportCommand(model, options));
  let code = 0;
  program
    .command("verify")
    .description(
      "checks every reference case of published numbers in a folder; exits with 1 if one does not match",
    )
    .argument("<folder>", "safetensors and JSON files laid out like the published reference's")
    .option("--engine <name>", engineHelp, "auto")
    .action(async (folder: string, options: VerifyArguments) => {
      code = (await verifyCommand(folder, options)) ? 0 : 1;
    });
  program
    .command("doctor")
    .description(
      "checks each engine, says which is chosen and what is installed: for a bug report; exits with 1 if the chosen one does not work",
    )
    .option("--json", "the same as JSON", false)
    .addOption(new Option("--probe <engine>").hideHelp())
    .action(async (options: DoctorArguments) => {
      code = (await doctorCommand(options)) ? 0 : 1;
    });
  program
    .command("link-tensorflow")
    .description(
      "builds the addon of an installed @tensorflow/tfjs-node-gpu, or tfjs-node, against the TensorFlow of a Python: for the engine tensorflow",
    )
    .option("--python <path>", "the Python (default: of .venv, or python3)")
    .option("--gpu", "only with a TensorFlow that was built for CUDA, and the package for GPUs", false)
    .addOption(new Option("--remove", "removes what it built").default(false).conflicts(["python", "gpu"]))
    .action((options: LinkTensorFlowArguments) => linkTensorFlowCommand(options));
  program
    .command("link-cuda")
    .description(
      "links the CUDA provider of a Python's onnxruntime-gpu to onnxruntime-node, for --engine onnx:cuda",
    )
    .option(
      "--python <path>",
      "a Python that has onnxruntime-gpu (default: .venv in this folder, or python3)",
    )
    .addOption(new Option("--remove", "removes the links").default(false).conflicts("python"))
    .action((options: LinkCudaArguments) => linkCudaCommand(options));
  program
    .command("softrepa")
    .description(
      "trains a text-to-image flow on captions of which some are wrong, mends it with soft tokens and in other ways, generates and edits with each, writes a report",
    )
    .option("--quick", "a small version of it, under 90 s", false)
    .option(
      "--dataset <name>",
      "captioned data with a read-out: objects, pairs, portraits, emoji, ...",
      "pairs",
    )
    .option("--out <folder>", "where the report goes", "report/softrepa")
    .option("--seed <integer>", "seed of what mends, and of the pictures that are measured", integer, 0)
    .option("--engine <name>", engineHelp, "auto")
    .option("--resume", "continue what was interrupted, from the checkpoints in the report's folder", false)
    .option("--no-cache", "train the two flows and the judge anew, and do not keep them for other runs")
    .action((options: SoftRepaArguments) => interruptible((signal) => softRepaCommand(options, signal)));
  withModel(program.command("generate"))
    .usage("--model <file> --caption <text> [options]")
    .description(
      "draws images of captions with a trained text-to-image flow, as one PNG: a row for each caption",
    )
    .option("--caption <text>", "what to draw; may be repeated", several)
    .option("--count <integer>", "images of each caption", integer, 4)
    .option("--guidance <number>", "strength of classifier-free guidance; 1 is the caption alone", Number, 2)
    .option("--negative-prompt <text>", "what guidance leads away from (default: no caption)")
    .option("--shift <number>", "more than 1 spends more steps where there is more noise; SD3: 3", Number, 1)
    .option("--solver <name>", "euler or heun", "euler")
    .action((options: GenerateArguments) => generateCommand(options));
  withModel(program.command("edit"))
    .usage("--model <file> --image <file> --source <text> --target <text> [options]")
    .description("edits an image from one caption to another (FlowEdit), as a strip of images in one PNG")
    .requiredOption("--image <file>", "PNG or JPEG of the model's size")
    .requiredOption("--source <text>", "what the image shows")
    .requiredOption("--target <text>", "what it should show")
    .option(
      "--start <integer>",
      "how many of the --steps levels the edit passes; more levels change more (default: 3/4 of --steps)",
      integer,
    )
    .option("--source-guidance <number>", "guidance of the source caption", Number, 1.5)
    .option(
      "--target-guidance <number>",
      "guidance of the target caption (default: 4; in the form flowedit 5, the same velocity)",
      Number,
    )
    .option(
      "--guidance-form <name>",
      "what the target's guidance is added to: softrepa, the velocity with the caption; flowedit, the one without",
      "softrepa",
    )
    .option("--negative-prompt <text>", "what guidance leads away from (default: no caption)")
    .option("--shift <number>", "more than 1 spends more steps where there is more noise; SD3: 3", Number, 1)
    .option("--n-min <integer>", "number of last steps that follow the target's velocity alone", integer, 0)
    .option("--n-avg <integer>", "number of noises averaged in each step", integer, 1)
    .option("--frames <integer>", "intermediate images to show", integer, 6)
    .action((options: EditArguments) => editCommand(options));
  program
    .command("tokens")
    .description(
      "describes a file of soft tokens and says which model it fits; exits with 2 if it does not fit --model",
    )
    .argument("<file>", "a safetensors file with soft_tokens and perhaps time_embedding")
    .option("--model <name>", "sd3, sd1.5 or sdxl")
    .action((file: string, options: TokensArguments) => tokensCommand(file, options));
  program
    .command("lab")
    .usage("[--prelude] [arguments of JupyterLab, such as a notebook]")
    .description(
      "opens JupyterLab in this folder, with a kernel for TypeScript that has the packages of the project in it",
    )
    .argument("[arguments...]", "for JupyterLab")
    .addOption(prelude())
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (args: string[], options: KernelSettings) => {
      code = await labCommand(args, options);
    });
  program
    .command("init")
    .description("begins a project in a new folder: package.json, a notebook, a script, .gitignore")
    .argument("<folder>", "missing, or empty")
    .action((folder: string) => initCommand(folder));
  const kernel = program
    .command("kernel")
    .description("a kernel for TypeScript in Jupyter and VS Code, for the notebooks of all projects");
  inPlace(kernel.command("install"))
    .description("writes the kernel; replaces only one of its own")
    .addOption(prelude())
    .action((options: KernelPlace & KernelSettings) => installKernel(options));
  kernel
    .command("list")
    .description("the kernels for TypeScript that Jupyter finds here")
    .action(listKernels);
  inPlace(kernel.command("remove"))
    .description("removes what install wrote")
    .action((options: KernelPlace) => removeKernel(options));
  try {
    await program.parseAsync();
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof Interrupted) {
      console.error(error.message);
      return error.exitCode;
    }
    if (!(error instanceof TangentLabError)) throw error;
    console.error(`error: ${error.message}`);
    return error.code === "not-finite" ? 1 : 2;
  }
}

/** The engines, for the help. */
const engineHelp = "auto, onnx, onnx:cuda, onnx:webgpu, tensorflow, wasm or cpu";

/** A study and what it asks, for the help. */
/** A study's name and question, and its parts where it has several. */
function studyLine({ name, title, plan }: (typeof studies)[number]): string {
  const panels = [...new Set(plan(false).cells.map(({ panel }) => panel))];
  return `  ${name.padEnd(16)} ${title}${panels.length > 1 ? ` (${panels.join(", ")})` : ""}`;
}

/** Options of every command that uses a trained text-to-image flow. */
const withModel = (command: Command): Command =>
  command
    .requiredOption(
      "--model <file>",
      "flow.safetensors of `tangent-lab softrepa`, or another that `saveFlow` wrote",
    )
    .option("--tokens <file>", "soft tokens for it")
    .option("--out <file>", "the PNG", "images.png")
    .option("--steps <integer>", "levels from noise to data", integer, 20)
    .option("--scale <integer>", "pixels of the PNG per pixel of an image", integer, 8)
    .option("--seed <integer>", "seed of the noise", integer, 0)
    .option("--engine <name>", engineHelp, "auto");

/** The model that is given as an argument, or by --model. */
function oneModel(argument: string | undefined, option: string | undefined): string {
  const both = [argument, option].filter((path) => path !== undefined);
  check(both.length === 1, "model", both.length === 0 ? "none" : both, "one file, or one folder");
  return both[0]!;
}

/** Options of commands that say where a kernel is. */
const inPlace = (command: Command): Command =>
  command
    .option("--prefix <folder>", "in share/jupyter/kernels of this folder (default: your own kernels)")
    .option("--sys-prefix", "in the Python of .venv, or of the PATH", false);

const prelude = (): Option =>
  new Option("--prelude", "have datasets, consistency, diffusion, viz, ... in scope without imports").default(
    false,
  );

/** An option that may be given more than once. */
const several = (value: string, before: string[] = []): string[] => [...before, value];

function pair(text: string): [number, number] {
  const numbers = text.split(",").map(Number);
  if (numbers.length !== 2 || !numbers.every(Number.isFinite) || /(^|,)\s*(,|$)/.test(text))
    throw new InvalidArgumentError("It must be two numbers, such as 0,1.");
  return numbers as [number, number];
}

function shard(text: string): Shard {
  const [, k, n] = /^([1-9]\d*)\/([1-9]\d*)$/.exec(text) ?? [];
  if (k === undefined || Number(k) > Number(n))
    throw new InvalidArgumentError("It must be k/n with k from 1 to n, such as 3/16.");
  return { index: Number(k) - 1, count: Number(n) };
}

function integer(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new InvalidArgumentError("It must be an integer.");
  return Number(text);
}

/**
 * What happens when the command line's output cannot be written. A reader that closes the pipe (`| head -1`) ends the process silently, as with other programs;
 * anything else, such as a full disk, is reported and is a failure.
 */
function watchOutput(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // 128 + SIGPIPE, as shells report it; the output is not complete.
    if (error.code === "EPIPE") process.exit(141);
    if (stream !== process.stderr) process.stderr.write(`error: cannot write the output: ${error.message}\n`);
    process.exit(2);
  });
}

watchOutput(process.stdout);
watchOutput(process.stderr);
process.exitCode = await main();
