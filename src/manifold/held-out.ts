import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check, required } from "../errors.js";
import { checkFeatures, type FeatureNetwork } from "../nn/features.js";
import { checkRows, type Rows } from "./feature-space.js";
import type { Draws, Transformations } from "./transformations.js";

/** Examples that a feature network is looked at with. */
export interface TransformedConfig {
  transformations: Transformations;
  /** Examples [count, ...shape], which are transformed. */
  examples: Rows;
  key: random.Key;
  /** Examples at a time, as many as in training, because they are mixed with each other. Default 32. */
  batchSize?: number;
}

/**
 * How much a feature network knows of each label, on examples that it was not trained on: R^2 = 1 - sum (label - prediction)^2 / sum (label - mean)^2, by the
 * label's name. 1 is all, 0 no more than the mean; NaN for a label that did not vary.
 * @throws TangentLabError `invalid-argument` for a network without parameters, one of other labels, and examples that do not fit their shape.
 */
export async function heldOutR2(
  features: FeatureNetwork,
  config: TransformedConfig,
): Promise<Record<string, number>> {
  checkFeatures("features", features);
  const { model, parameters } = features;
  check.only("heldOutR2", required("config", config), transformedOptions);
  const { labelNames } = checked(config).transformations;
  const step = compile((parameters: Tensor, x: Tensor, draws: Draws) => {
    const { labels } = model.apply(parameters, config.transformations.apply(x, draws));
    const same = labels.shape[1] === labelNames.length;
    check(same, "features", `${labels.shape[1]} labels`, `${labelNames.length}, the transformations'`);
    return { labels };
  });
  const rows: { label: Float32Array; prediction: Float32Array }[] = [];
  for (const { x, draws } of batches(config)) {
    const result = await step(parameters, x, draws);
    rows.push({
      label: draws.labels.dataSync().slice() as Float32Array,
      prediction: result.labels.dataSync().slice() as Float32Array,
    });
    tree.dispose([x, draws, result]);
  }
  const width = labelNames.length;
  const column = (of: "label" | "prediction", j: number): number[] =>
    rows.flatMap((row) => Array.from(row[of].filter((_, i) => i % width === j)));
  return Object.fromEntries(
    labelNames.map((name, j) => [name, determination(column("label", j), column("prediction", j))]),
  );
}

/** The coefficient of determination of predictions. */
function determination(values: readonly number[], predictions: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const sum = (of: (value: number, i: number) => number): number =>
    values.reduce((total, value, i) => total + of(value, i) ** 2, 0);
  return 1 - sum((value, i) => value - predictions[i]!) / sum((value) => value - mean);
}

/**
 * A feature network with running statistics from this many batches of transformed examples, and otherwise unchanged. A network with batch normalization needs
 * them to be measured untrained. They are those of a training that leaves the weights alone. The caller disposes the new parameters.
 * @throws TangentLabError `invalid-argument` for a network without batch normalization or parameters, and examples that do not fit their shape.
 */
export async function calibrateStatistics(
  features: FeatureNetwork,
  config: TransformedConfig & {
    /** Default 600. */
    batches?: number;
  },
): Promise<FeatureNetwork> {
  checkFeatures("features", features);
  const { model, parameters } = features;
  check.only("calibrateStatistics", required("config", config), [...transformedOptions, "batches"]);
  const { batches: count = 600 } = checked(config);
  check.count("batches", count);
  const { train } = model;
  check(train !== undefined, "features", "none", "a network with batch normalization, such as vggFeatures");
  const step = compile((parameters: Tensor, x: Tensor, draws: Draws): Tensor => {
    const { statistics } = train(parameters, config.transformations.apply(x, draws));
    const weights = tf.slice1d(parameters as tf.Tensor1D, 0, parameters.size - statistics.size);
    return tf.concat1d([weights, statistics as tf.Tensor1D]);
  });
  let current: Tensor = tf.clone(parameters);
  for (let done = 0, round = 0; done < count; round++) {
    for (const { x, draws } of batches({ ...config, key: random.foldIn(config.key, round) })) {
      if (done < count) {
        const next = await step(current, x, draws);
        current.dispose();
        current = next;
        done++;
      }
      tree.dispose([x, draws]);
    }
  }
  return { model, parameters: current };
}

const transformedOptions = ["transformations", "examples", "key", "batchSize"];

function checked<C extends TransformedConfig>(config: C): C {
  const { transformations, examples, batchSize = 32 } = required("config", config);
  const drawing = typeof transformations?.draw === "function" && Array.isArray(transformations.labelNames);
  check(
    drawing,
    "transformations",
    transformations,
    "imageTransformations(...) or pointTransformations(...)",
  );
  checkRows("examples", required("examples", examples, "rows: { shape: [count, ...], values }"));
  check(Number.isInteger(batchSize) && batchSize >= 2, "batchSize", batchSize, "an integer >= 2");
  return config;
}

/** The examples in random order, batch by batch, each with what is drawn for it. The caller disposes them. */
function* batches(config: TransformedConfig): Generator<{ x: Tensor; draws: Draws }> {
  const { transformations, examples, key, batchSize = 32 } = config;
  const [count, ...shape] = examples.shape as [number, ...number[]];
  const size = shape.reduce((a, b) => a * b, 1);
  const order = random.permutation(random.foldIn(key, 0), count);
  for (let from = 0, i = 1; from < count; from += batchSize, i++) {
    const rows = order.subarray(from, from + batchSize);
    const values = new Float32Array(rows.length * size);
    rows.forEach((row, at) => {
      for (let k = 0; k < size; k++) values[at * size + k] = examples.values[row * size + k]!;
    });
    yield {
      x: tf.tensor(values, [rows.length, ...shape]),
      draws: transformations.draw(random.foldIn(key, i), rows.length, 1),
    };
  }
}
