import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check } from "../errors.js";
import type { FeatureModel } from "../nn/features.js";
import { jvp } from "../optim/jvp.js";
import { type FeatureDistanceConfig, flatFeatures } from "./distance.js";

/** Numbers with a shape, row-major. */
export interface Rows {
  shape: readonly number[];
  values: ArrayLike<number>;
}

type Inputs = { x: Tensor; v?: Tensor };

/** Examples at once: the features of more need not fit into memory together. */
const batchSize = 64;

/**
 * Data, or a model's outputs, as the points of feature space that the manifold feature distance sees: all features of each, flat, beside each other.
 * @param points [count, ...example shape].
 * @param config.layers which features, as of the distance. Default all.
 * @returns phi(x), [count, k].
 */
export async function toFeatureSpace(
  model: FeatureModel,
  parameters: Tensor,
  points: Rows,
  config?: Pick<FeatureDistanceConfig, "layers">,
): Promise<{ points: Rows }>;
/**
 * The same, and where directions lead from there.
 * @param config.directions of the points, for instance tangents at outputs; of the same shape.
 * @returns phi(x) and the Jacobian-vector products J_phi(x) v, both [count, k].
 */
export async function toFeatureSpace(
  model: FeatureModel,
  parameters: Tensor,
  points: Rows,
  config: Pick<FeatureDistanceConfig, "layers"> & { directions: Rows },
): Promise<{ points: Rows; directions: Rows }>;
export async function toFeatureSpace(
  model: FeatureModel,
  parameters: Tensor,
  points: Rows,
  config: Pick<FeatureDistanceConfig, "layers"> & { directions?: Rows } = {},
): Promise<{ points: Rows; directions?: Rows }> {
  const { directions } = config;
  checkRows("points", points);
  if (directions) {
    checkRows("directions", directions);
    const same = directions.shape.join() === points.shape.join();
    check(same, "directions.shape", directions.shape, `that of points, [${points.shape}]`);
  }
  const features = (p: Tensor, x: Tensor): Tensor => flatFeatures(model.apply(p, x), config);
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

/** That rows are as many numbers as their shape says. @throws TangentLabError `invalid-argument`. */
export function checkRows(argument: string, { shape, values }: Rows): void {
  const whole = shape.length >= 2 && shape.every((n) => Number.isInteger(n) && n >= 1);
  check(whole, `${argument}.shape`, shape, "[count, ...example shape], all at least 1");
  const size = shape.reduce((a, b) => a * b, 1);
  check(values.length === size, `${argument}.values`, `${values.length} values`, `${size} values`);
}
