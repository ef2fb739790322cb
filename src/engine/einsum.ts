import { backend_util } from "@tensorflow/tfjs-core";

/** What a contraction is made of, for tensors T. */
export interface ContractionOps<T> {
  shape(x: T): readonly number[];
  sum(x: T, axes: number[]): T;
  transpose(x: T, order: number[]): T;
  reshape(x: T, shape: number[]): T;
  /** Of [n, m, k] and [n, k, c]. */
  matMul(a: T, b: T): T;
}

/** A tensor whose axes have names. */
interface Named<T> {
  value: T;
  axes: readonly string[];
}

/**
 * Einstein summation of one or two tensors, as tf.einsum has it: no axis twice in one tensor, no ellipsis. Two tensors are products of matrices, one for each place
 * along the axes that both and the result have.
 */
export function einsum<T>(ops: ContractionOps<T>, equation: string, tensors: readonly T[]): T {
  const plain = equation.replace(/\s/g, "");
  const { allDims, idDims } = backend_util.decodeEinsumEquation(plain, tensors.length);
  const shapes = tensors.map((value) => ({ shape: [...ops.shape(value)] }));
  backend_util.checkEinsumDimSizes(allDims.length, idDims, shapes as never);
  const out = plain.split("->")[1]!.split("");
  const [a, b] = tensors.map((value, i) => ({ value, axes: idDims[i]!.map((d) => allDims[d]!) }));
  return arranged(ops, b ? contracted(ops, a!, b, out) : a!, out);
}

/** The axes in this order; those that are not wanted are summed over. */
function arranged<T>(ops: ContractionOps<T>, { value, axes }: Named<T>, wanted: readonly string[]): T {
  const summed = axes.flatMap((axis, i) => (wanted.includes(axis) ? [] : [i]));
  const left = axes.filter((axis) => wanted.includes(axis));
  const order = wanted.map((axis) => left.indexOf(axis));
  const sum = summed.length > 0 ? ops.sum(value, summed) : value;
  return order.every((axis, i) => axis === i) ? sum : ops.transpose(sum, order);
}

function contracted<T>(ops: ContractionOps<T>, a: Named<T>, b: Named<T>, out: readonly string[]): Named<T> {
  const both = a.axes.filter((axis) => b.axes.includes(axis));
  const batch = both.filter((axis) => out.includes(axis));
  const inner = both.filter((axis) => !out.includes(axis));
  const alone = (one: Named<T>, other: Named<T>): string[] =>
    one.axes.filter((axis) => !other.axes.includes(axis) && out.includes(axis));
  const [rows, columns] = [alone(a, b), alone(b, a)];
  const sizes = ({ value, axes }: Named<T>, names: readonly string[]): number[] =>
    names.map((name) => ops.shape(value)[axes.indexOf(name)]!);
  const size = (one: Named<T>, names: readonly string[]): number =>
    sizes(one, names).reduce((product, d) => product * d, 1);
  const [n, k] = [size(a, batch), size(a, inner)];
  const left = ops.reshape(arranged(ops, a, [...batch, ...rows, ...inner]), [n, size(a, rows), k]);
  const right = ops.reshape(arranged(ops, b, [...batch, ...inner, ...columns]), [n, k, size(b, columns)]);
  const shape = [...sizes(a, batch), ...sizes(a, rows), ...sizes(b, columns)];
  return { value: ops.reshape(ops.matMul(left, right), shape), axes: [...batch, ...rows, ...columns] };
}
