import { extname } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { type ExportedValue, exportModel } from "../engine/onnx/export.js";
import { isOurModel } from "../engine/onnx/proto.js";
import type { Tensor } from "../engine/tensor.js";
import { check, TangentLabError } from "../errors.js";
import { checkPath, isMissing, withFile, writeFileAtomically } from "../io/files.js";
import { packageVersion } from "../io/package-version.js";
import { consistencySchedule } from "./consistency-function.js";
import { oneStep } from "./multistep.js";
import { checkTrained, type TrainedDenoiser } from "./trained.js";

/** Options of `exportOnnx`. */
export interface ExportOptions {
  /** Examples that the file takes at a time. Default any number. */
  batch?: number;
  /** Noise level T of what it takes. Default the highest: 80, of a published consistency model its own. */
  sigma?: number;
}

/**
 * Writes a trained consistency model as a one-step generator for other programs: an ONNX file (opset 18, standard operations only, weights inside) of a function from `x_T`, T times a
 * standard normal [batch, ...shape], and for a class-conditional model `class` [batch], int32, to the sample `x_0` [batch, ...shape]; images are [batch, height, width, channels] in
 * [-1, 1], not clipped unless a published consistency model asks for it. Names, shapes and ranges are in the file's metadata, as JSON under `inputs` and `outputs`. Of a denoiser it is
 * the mean of the data given x_T: one step from noise.
 * @throws TangentLabError `invalid-argument` for a training that was not awaited, a path that does not end in .onnx, options out of range, and a network of which a graph for any `batch`
 * cannot be made; `unsupported-op` for one that needs more than standard operations; `file-system`, also for a file that tangent-lab did not write, which is left as it is.
 */
export async function exportOnnx(
  path: string,
  model: TrainedDenoiser,
  options: ExportOptions = {},
): Promise<void> {
  checkPath(path);
  check(extname(path) === ".onnx", "path", path, "the path of a file that ends in .onnx");
  checkTrained("model", model);
  check.only("exportOnnx", options, ["batch", "sigma"]);
  const { denoiser, parameters, record } = model;
  const schedule = consistencySchedule(denoiser);
  const { batch, sigma = schedule?.max ?? oneStep[0] } = options;
  if (batch !== undefined) check.count("batch", batch);
  check.positive("sigma", sigma);
  await checkReplaceable(path);
  const { classes } = record.settings;
  const { shape } = record;
  const isImage = shape.length === 3;
  const of = isImage ? "images [batch, height, width, channels]" : "points [batch, dim]";
  const inputs: ExportedValue[] = [
    { name: "x_T", shape, type: "float32", doc: `${sigma} times a standard normal, ${of}` },
  ];
  if (typeof classes === "number")
    inputs.push({ name: "class", shape: [], type: "int32", doc: `the class of each, 0 to ${classes - 1}` });
  const range = schedule?.clip ? "in [-1, 1]" : "in [-1, 1] but for errors: not clipped";
  const output: ExportedValue = {
    ...{ name: "x_0", shape, type: "float32" },
    doc: `samples, ${of}${isImage ? `, ${range}` : ""}`,
  };
  const generator = (parameters: tf.Tensor, [x, labels]: tf.Tensor[], batch: number): tf.Tensor => {
    const condition = labels
      ? { classLabels: tf.oneHot(labels as tf.Tensor1D, Number(classes), 1, 0, "float32") as Tensor }
      : {};
    const clean = denoiser.apply(parameters, x!, tf.fill([batch], sigma), condition) as tf.Tensor;
    return schedule?.clip ? tf.clipByValue(clean, -1, 1) : clean;
  };
  const size = batch ?? "batch";
  const example = [size, ...shape];
  const metadata = {
    model: {
      name: record.name,
      kind: record.kind,
      dataset: record.dataset,
      preconditioning: denoiser.preconditioning,
    },
    inputs: {
      x_T: {
        type: "float32",
        shape: example,
        layout: isImage ? "NHWC" : "points",
        mean: 0,
        deviation: sigma,
      },
      ...(typeof classes === "number" && {
        class: { type: "int32", shape: [size], minimum: 0, maximum: classes - 1 },
      }),
    },
    outputs: {
      x_0: {
        ...{ type: "float32", shape: example, layout: isImage ? "NHWC" : "points" },
        ...(isImage && { minimum: -1, maximum: 1, clipped: schedule?.clip ?? false }),
      },
    },
  };
  const bytes = exportModel(generator, {
    ...{ inputs, output, batch },
    parameters: { values: (await parameters.data()) as Float32Array, names: denoiser.structure.names },
    about: {
      ...{ name: "generator", version: packageVersion() },
      doc: `One-step generator of the ${record.kind === "consistency" ? "consistency model" : "denoiser"} "${record.name}", from noise x_T to samples x_0.`,
      metadata: Object.fromEntries(
        Object.entries(metadata).map(([name, value]) => [name, JSON.stringify(value)]),
      ),
    },
  });
  await writeFileAtomically(path, bytes);
}

/** That there is nothing at a path, or an ONNX file of ours. @throws TangentLabError `file-system`. */
async function checkReplaceable(path: string): Promise<void> {
  let start: Uint8Array;
  try {
    start = await withFile(path, (file) => file.read(0, Math.min(file.size, 64)));
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (isOurModel(start)) return;
  throw new TangentLabError("file-system", `${path} is a file that tangent-lab did not write`, {
    argument: "path",
    given: path,
    allowed: "a path where there is nothing, or an ONNX file of an earlier export: nothing else is replaced",
  });
}
