import { Matrix, solve } from "ml-matrix";
import { check, required } from "../errors.js";
import { countRows } from "../loop/data.js";

/** Rows [count, dim] of one network's features. */
export interface FeatureRows {
  readonly values: Float32Array;
  readonly dim: number;
}

/**
 * Centred kernel nearest-neighbour alignment (Huh et al., 2405.07987, as REPA measures it) of two networks' features of the same examples, 0 to about 1: the
 * HSIC of their centred linear kernels over pairs that are among each other's `neighbours` nearest in both, divided by the geometric mean of each with itself.
 * @throws TangentLabError `invalid-argument` for differing counts or fewer than neighbours + 2 examples.
 */
export function cknna(a: FeatureRows, b: FeatureRows, options: { neighbours?: number } = {}): number {
  check.only("cknna", options, ["neighbours"]);
  const { neighbours = 10 } = options;
  check.count("neighbours", neighbours);
  for (const [name, rows] of Object.entries({ a, b })) checkFeatureRows(name, rows);
  const count = countRows("a", a.values, a.dim, neighbours + 2);
  check(
    b.values.length === count * b.dim,
    "b.values",
    `${b.values.length / b.dim} rows`,
    `${count}, as in a`,
  );
  const kernels = [a, b].map((rows) => gram(rows, count)) as [Float64Array, Float64Array];
  const near = kernels.map((kernel) => nearest(kernel, count, neighbours)) as [Uint8Array, Uint8Array];
  const centred = kernels.map((kernel) => centre(kernel, count)) as [Float64Array, Float64Array];
  const local = (i: 0 | 1, j: 0 | 1): number => {
    let sum = 0;
    for (let k = 0; k < count * count; k++) {
      if (near[i][k] && near[j][k]) sum += centred[i][k]! * centred[j][k]!;
    }
    return sum;
  };
  const norm = Math.sqrt(local(0, 0) * local(1, 1));
  return norm > 0 ? local(0, 1) / norm : 0;
}

/** That rows are of a whole dimension. */
function checkFeatureRows(argument: string, rows: FeatureRows): void {
  const { values, dim } = required(argument, rows, "rows of features: an object with values and dim");
  check(Number.isInteger(dim) && dim >= 1, `${argument}.dim`, dim, "an integer >= 1");
  check(ArrayBuffer.isView(values), `${argument}.values`, values, "numbers in a Float32Array");
}

/** Inner products of rows of unit length, so that one example's size does not decide. */
function gram({ values, dim }: FeatureRows, count: number): Float64Array {
  const out = new Float64Array(count * count);
  const rows = Array.from({ length: count }, (_, i) => {
    const row = values.subarray(i * dim, (i + 1) * dim);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)) || 1;
    return row.map((value) => value / norm);
  });
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += rows[i]![k]! * rows[j]![k]!;
      out[i * count + j] = sum;
      out[j * count + i] = sum;
    }
  }
  return out;
}

/** 1 where j is among the nearest to i, itself left out. */
function nearest(kernel: Float64Array, count: number, neighbours: number): Uint8Array {
  const out = new Uint8Array(count * count);
  for (let i = 0; i < count; i++) {
    const others = Array.from({ length: count }, (_, j) => j).filter((j) => j !== i);
    others.sort((p, q) => kernel[i * count + q]! - kernel[i * count + p]!);
    for (const j of others.slice(0, neighbours)) out[i * count + j] = 1;
  }
  return out;
}

/** H K H with H = I - 1/n. */
function centre(kernel: Float64Array, count: number): Float64Array {
  const means = Float64Array.from(
    { length: count },
    (_, i) => kernel.subarray(i * count, (i + 1) * count).reduce((a, b) => a + b, 0) / count,
  );
  const all = means.reduce((a, b) => a + b, 0) / count;
  return kernel.map((value, k) => value - means[Math.floor(k / count)]! - means[k % count]! + all);
}

/**
 * How well a linear map reads classes off features: ridge regression to one-hot classes on the first half of the examples, accuracy on the second half, 0 ... 1.
 * @param options.ridge relative to the mean square of the features. Default 1e-3.
 * @throws TangentLabError `invalid-argument` for differing counts or fewer than 4 examples.
 */
export function linearProbe(
  features: FeatureRows,
  classes: readonly string[],
  options: { ridge?: number } = {},
): number {
  check.only("linearProbe", options, ["ridge"]);
  const { ridge = 1e-3 } = options;
  checkFeatureRows("features", features);
  const { values, dim } = features;
  const count = countRows("features", values, dim, 4);
  check(Array.isArray(classes), "classes", classes, `${count}, one for each row`);
  check(classes.length === count, "classes", `${classes.length} classes`, `${count}, one for each row`);
  check.number("ridge", ridge, (value) => value > 0, "a number > 0");
  const names = [...new Set(classes)];
  const half = Math.floor(count / 2);
  const row = (i: number): number[] => [...values.subarray(i * dim, (i + 1) * dim), 1];
  const X = new Matrix(Array.from({ length: half }, (_, i) => row(i)));
  const Y = new Matrix(
    Array.from({ length: half }, (_, i) => names.map((name) => (name === classes[i] ? 1 : 0))),
  );
  const covariance = X.transpose().mmul(X);
  const penalty = (ridge * covariance.trace()) / (dim + 1);
  const weights = solve(covariance.add(Matrix.eye(dim + 1).mul(penalty)), X.transpose().mmul(Y));
  let right = 0;
  for (let i = half; i < count; i++) {
    const scores = Matrix.rowVector(row(i)).mmul(weights).getRow(0);
    if (names[scores.indexOf(Math.max(...scores))] === classes[i]) right++;
  }
  return right / (count - half);
}
