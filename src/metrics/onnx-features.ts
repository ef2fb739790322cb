import type { InferenceSession, Tensor } from "#onnxruntime";
import { check, required, TangentLabError } from "../errors.js";
import { readBytes } from "../io/files.js";
import { foreignContent } from "../io/foreign.js";
import { byteLimit, checkDeclared, type ReadLimit } from "../io/limits.js";
import { resample } from "../io/resample.js";
import { countExamples } from "../loop/data.js";
import type { FeatureExtractor } from "./features.js";

/** Options of `onnxFeatures`. */
export interface OnnxFeaturesConfig extends ReadLimit {
  /** Path of an ONNX file, or its bytes. */
  model: string | Uint8Array;
  /** Of its one input: "NCHW" (default, as PyTorch exports) or "NHWC" (as TensorFlow does). */
  layout?: "NCHW" | "NHWC";
  /** Height and width to which images are resized (299 for Inception). Default: what the file fixes, else that of the images. */
  size?: number;
  /** The numbers that black and white are in the network's input. Default [-1, 1]. */
  range?: readonly [number, number];
  /** Subtracted from each channel after that, and what it is divided by then, as networks trained on ImageNet want it. Default 0 and 1. */
  mean?: readonly number[];
  deviation?: readonly number[];
  /** Name of the output that has the features, [batch, dim] or [batch, dim, 1, 1]. Default the first. */
  output?: string;
  /** Images at a time. Default what the file fixes, else 32. */
  batchSize?: number;
}

/**
 * Features by a network in an ONNX file, run by ONNX Runtime on the CPU. With an Inception-v3 up to its last pooling, the Fréchet distance of its features is
 * the FID. Grey images are given three equal channels where the network wants three.
 *
 * `onnxFeatures({ model: "inception.onnx", size: 299, range: [0, 255] })`
 * @throws TangentLabError `file-system` if the file cannot be read, `corrupt-file` if it is no ONNX model that ONNX Runtime loads, `invalid-argument` for
 * options that do not fit it.
 */
export async function onnxFeatures(config: OnnxFeaturesConfig): Promise<FeatureExtractor> {
  required("config", config, "an object with model");
  const { layout = "NCHW", range = [-1, 1], mean = [0], deviation = [1] } = config;
  check(layout === "NCHW" || layout === "NHWC", "layout", layout, '"NCHW" or "NHWC"');
  check(
    Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] !== range[1],
    "range",
    range,
    "two different finite numbers",
  );
  check(
    Array.isArray(deviation) && deviation.every((value) => value > 0),
    "deviation",
    deviation,
    "numbers > 0",
  );
  check(Array.isArray(mean) && mean.every(Number.isFinite), "mean", mean, "finite numbers");
  await import("../engine/onnx/telemetry.js");
  const ort = await import("#onnxruntime");
  const { session, limit, name } = await load(config, (bytes) =>
    ort.InferenceSession.create(bytes, { logSeverityLevel: 3 }),
  );
  const input = inputOf(session, layout);
  const { batch = 1, channels = 1, size: side = 1 } = input;
  checkDeclared(name, `batches [${batch}, ${channels}, ${side}]`, 4 * batch * channels * side ** 2, limit);
  const output = config.output ?? session.outputNames[0]!;
  check(session.outputNames.includes(output), "output", output, `one of ${session.outputNames.join(", ")}`);
  const size = config.size ?? input.size;
  const fits = (given: number | undefined, fixed: number | undefined): boolean =>
    given === undefined ||
    (Number.isInteger(given) && given >= 1 && (fixed === undefined || given === fixed));
  check(fits(config.size, input.size), "size", size, `${input.size ?? "an integer >= 1"}`);
  const batchSize = config.batchSize ?? input.batch ?? 32;
  check(fits(config.batchSize, input.batch), "batchSize", batchSize, `${input.batch ?? "an integer >= 1"}`);

  return async (images, shape) => {
    const count = countExamples("images", images, shape);
    check(shape.length === 3, "shape", shape, "images, [height, width, channels]");
    const [height, width, channels] = shape as [number, number, number];
    const wanted = input.channels ?? channels;
    check(
      wanted === channels || (channels === 1 && wanted === 3),
      "shape",
      shape,
      `images of ${wanted} channels${wanted === 3 ? ", or of one" : ""}`,
    );
    for (const [name, value] of Object.entries({ mean, deviation }))
      check(
        [1, wanted].includes(value.length),
        name,
        value,
        `one number, or one for each of ${wanted} channels`,
      );
    const [h, w] = [size ?? height, size ?? width];
    const plane = h * w;
    const length = height * width * channels;
    /** Image i as the network's input, at `at` of a batch. */
    const write = (i: number, batch: Float32Array, at: number): void => {
      const data = images.subarray(i * length, (i + 1) * length);
      const resized =
        h === height && w === width
          ? data
          : resample({ data, width, height, channels }, { width: w, height: h });
      for (let p = 0; p < plane; p++) {
        for (let c = 0; c < wanted; c++) {
          const value = resized[p * channels + Math.min(c, channels - 1)]!;
          const scaled = range[0] + ((value + 1) / 2) * (range[1] - range[0]);
          const place = layout === "NCHW" ? c * plane + p : p * wanted + c;
          batch[at * plane * wanted + place] =
            (scaled - mean[c % mean.length]!) / deviation[c % deviation.length]!;
        }
      }
    };
    const dims = (n: number): number[] => (layout === "NCHW" ? [n, wanted, h, w] : [n, h, w, wanted]);
    let values = new Float32Array(0);
    let dim = 0;
    for (let from = 0; from < count; from += batchSize) {
      const here = Math.min(batchSize, count - from);
      const n = input.batch ?? here; // a batch that the file fixes is filled up with zeros
      const batch = new Float32Array(n * plane * wanted);
      for (let i = 0; i < here; i++) write(from + i, batch, i);
      const results = await session
        .run({ [session.inputNames[0]!]: new ort.Tensor("float32", batch, dims(n)) }, [output])
        .catch((cause: unknown) => {
          throw new TangentLabError(
            "invalid-data",
            `ONNX Runtime cannot run the model: ${(cause as Error).message.slice(0, 200)}`,
            { argument: "model", given: `images [${dims(n)}]`, cause },
          );
        });
      const rows = featureRows(results[output]!, n, output);
      if (from === 0) {
        dim = rows.length / n;
        values = new Float32Array(count * dim);
      }
      check(rows.length === n * dim, "output", `${rows.length / n} numbers an image`, `${dim}, as before`);
      values.set(rows.subarray(0, here * dim), from * dim);
    }
    return { values, dim };
  };
}

async function load(
  { model, ...options }: OnnxFeaturesConfig,
  create: (bytes: Uint8Array) => Promise<InferenceSession>,
): Promise<{ session: InferenceSession; limit: number; name: string }> {
  const isModel = typeof model === "string" || model instanceof Uint8Array;
  check(isModel, "model", model, "the path of an ONNX file, or its bytes");
  const bytes = typeof model === "string" ? await readBytes(model) : model;
  const name = typeof model === "string" ? model : "the model";
  const limit = byteLimit(options, bytes.length);
  try {
    return { session: await create(bytes), limit, name };
  } catch (cause) {
    const why = foreignContent(bytes) ?? (cause as Error).message.slice(0, 200);
    throw new TangentLabError("corrupt-file", `ONNX Runtime cannot load ${name}: ${why}`, {
      argument: "model",
      cause,
    });
  }
}

/** What the file says about its input: sizes that it leaves open are undefined. */
function inputOf(
  session: InferenceSession,
  layout: "NCHW" | "NHWC",
): { batch?: number; channels?: number; size?: number } {
  const [meta, ...more] = session.inputMetadata;
  const shape = meta?.isTensor ? meta.shape : [];
  if (!meta?.isTensor || more.length > 0 || meta.type !== "float32" || shape.length !== 4) {
    throw new TangentLabError("invalid-argument", "this network does not take images", {
      argument: "model",
      given: session.inputMetadata.map((each) =>
        each.isTensor ? `${each.type} [${each.shape}]` : each.name,
      ),
      allowed: `one input of float32, ${layout}`,
    });
  }
  const [batch, channels, size] = (layout === "NCHW" ? [0, 1, 2] : [0, 3, 1]).map((axis) => shape[axis]);
  const fixed = (value: number | string | undefined): number | undefined =>
    typeof value === "number" && value > 0 ? value : undefined;
  return Object.fromEntries(
    Object.entries({ batch: fixed(batch), channels: fixed(channels), size: fixed(size) }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

function featureRows(output: Tensor, count: number, name: string): Float32Array {
  const [batch, , ...rest] = output.dims;
  check(
    output.type === "float32" &&
      output.dims.length >= 2 &&
      batch === count &&
      output.dims[1]! >= 1 &&
      rest.every((n) => n === 1),
    "output",
    `${name}: ${output.type} [${output.dims}]`,
    "float32 [batch, dim]",
  );
  return output.data as Float32Array;
}
