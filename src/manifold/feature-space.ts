import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check, required } from "../errors.js";
import { checkFeatures, type FeatureNetwork, type Features } from "../nn/features.js";
import { jvp } from "../optim/jvp.js";

/**
 * Which features count: all, or indices into [...stages, labels], negative ones from the end. Fewer, later ones forget more of where on the manifold a
 * point is.
 */
export type Layers = "all" | readonly number[];

/** That a choice of features is one. @throws TangentLabError `invalid-argument`. */
export function checkLayers(layers: Layers): void {
  const some = Array.isArray(layers) && layers.length > 0 && layers.every(Number.isInteger);
  check(layers === "all" || some, "layers", layers, '"all", or one or more integers');
}

/** The features that count. @throws TangentLabError `invalid-argument` for layers that the network does not have. */
export function chosen(features: Features, layers: Layers): Tensor[] {
  const all = [...features.stages, features.labels];
  if (layers === "all") return all;
  return layers.map((i) => {
    const feature = all.at(i);
    check(feature !== undefined, "layers", i, `an integer from ${-all.length} to ${all.length - 1}`);
    return feature;
  });
}

/** The features that count, each flat, beside each other: [batch, k]. */
export const flat = (features: Features, layers: Layers): Tensor =>
  tf.concat(
    chosen(features, layers).map((feature) => tf.reshape(feature, [feature.shape[0]!, -1])),
    1,
  );

/** Numbers with a shape, row-major. */
export interface Rows {
  shape: readonly number[];
  values: ArrayLike<number>;
}

/** Which features of a network make the space. */
export interface FeatureSpaceConfig {
  /** Default "all". */
  layers?: Layers;
}

type Inputs = { x: Tensor; v?: Tensor };

/** Examples at once: the features of more need not fit into memory together. */
const batchSize = 64;

/**
 * Data, or a model's outputs, as the points of feature space that the manifold feature distance sees: all features of each, flat, beside each other.
 * @param network a feature network with its parameters.
 * @param points [count, ...example shape].
 * @param config.layers which features, as of the distance. Default all.
 * @returns phi(x), [count, k].
 */
export async function toFeatureSpace(
  network: FeatureNetwork,
  points: Rows,
  config?: FeatureSpaceConfig,
): Promise<{ points: Rows }>;
/**
 * The same, and where directions lead from there.
 * @param config.directions of the points, for instance tangents at outputs; of the same shape.
 * @returns phi(x) and the Jacobian-vector products J_phi(x) v, both [count, k].
 */
export async function toFeatureSpace(
  network: FeatureNetwork,
  points: Rows,
  config: FeatureSpaceConfig & { directions: Rows },
): Promise<{ points: Rows; directions: Rows }>;
export async function toFeatureSpace(
  network: FeatureNetwork,
  points: Rows,
  config: FeatureSpaceConfig & { directions?: Rows } = {},
): Promise<{ points: Rows; directions?: Rows }> {
  const { directions, layers = "all" } = config;
  checkFeatures("features", network);
  const { model, parameters } = network;
  check.only("toFeatureSpace", config, ["layers", "directions"]);
  checkLayers(layers);
  checkRows("points", points);
  if (directions !== undefined) {
    checkRows("directions", directions);
    const same = directions.shape.join() === points.shape.join();
    check(same, "directions.shape", directions.shape, `that of points, [${points.shape}]`);
  }
  const features = (p: Tensor, x: Tensor): Tensor => flat(model.apply(p, x), layers);
  const step = compile(
    (p: Tensor, { x, v }: Inputs): Record<string, Tensor> =>
      v ? jvp((at) => features(p, at!), [x], [v]) : { value: features(p, x) },
  );
  const [count, ...shape] = points.shape as [number, ...number[]];
  const size = shape.reduce((a, b) => a * b, 1);
  const parts: { [name: string]: Float32Array[] } = { value: [], tangent: [] };
  for (let start = 0; start < count; start += batchSize) {
    const rows = Math.min(batchSize, count - start);
    const batch = (all: Rows): Tensor =>
      tf.tensor(
        Float32Array.from({ length: rows * size }, (_, i) => all.values[start * size + i]!),
        [rows, ...shape],
      );
    const inputs = { x: batch(points), ...(directions && { v: batch(directions) }) };
    const result = await step(parameters, inputs);
    for (const [name, part] of Object.entries(result))
      parts[name]!.push((await part.data()).slice() as Float32Array);
    tree.dispose(result);
    tree.dispose(inputs);
  }
  const joined = (all: readonly Float32Array[]): Rows => {
    const values = new Float32Array(all.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of all) {
      values.set(part, offset);
      offset += part.length;
    }
    return { shape: [count, values.length / count], values };
  };
  return {
    points: joined(parts.value!),
    ...(directions && { directions: joined(parts.tangent!) }),
  };
}

/** Checks that rows have as many numbers as their shape says. @throws TangentLabError `invalid-argument`. */
export function checkRows(argument: string, rows: Rows): void {
  const { shape, values } = required(argument, rows, "rows: { shape: [count, ...], values }");
  const whole =
    Array.isArray(shape) && shape.length >= 2 && shape.every((n) => Number.isInteger(n) && n >= 1);
  check(whole, `${argument}.shape`, shape, "[count, ...example shape], all at least 1");
  const size = shape.reduce((a, b) => a * b, 1);
  check(values?.length === size, `${argument}.values`, `${values?.length} values`, `${size} values`);
}
