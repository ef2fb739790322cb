import "./tfjs.js";
import * as tf from "@tensorflow/tfjs-core";
import { check } from "../errors.js";
import type { Tensor } from "./tensor.js";

/** A tree of tensors: a tensor, or nested plain objects and arrays of trees. Leaves are ordered by insertion, depth first. */
export type Tree = Tensor | { readonly [name: string]: Tree } | readonly Tree[];

/** A tensor of a tree, with its place. */
export interface Leaf {
  /** Path of the leaf with dots between the names: "encoder.0.weight". */
  name: string;
  tensor: Tensor;
}

const isTensor = (node: unknown): node is Tensor => node instanceof tf.Tensor;

/** The leaves with their names, in order. */
export function flatten(tree: Tree): Leaf[] {
  const out: Leaf[] = [];
  const visit = (node: Tree, path: string): void => {
    if (isTensor(node)) out.push({ name: path, tensor: node });
    else for (const [key, child] of Object.entries(node)) visit(child as Tree, path ? `${path}.${key}` : key);
  };
  visit(tree, "");
  return out;
}

/** The leaves, in order. */
export const leaves = (tree: Tree): Tensor[] => flatten(tree).map((leaf) => leaf.tensor);

/** Builds a tree like `tree` from new leaves in order. */
export const unflatten = <T extends Tree>(tree: T, newLeaves: readonly Tensor[]): T =>
  rebuilder(tree)(newLeaves) as T;

/** Applies `f` to corresponding leaves of trees of the same structure. */
export function map<T extends Tree>(f: (...leaf: Tensor[]) => Tensor, tree: T, ...rest: Tree[]): T {
  const columns = [tree, ...rest].map(leaves);
  const results = columns[0]!.map((_, i) => f(...columns.map((column) => column[i]!)));
  return unflatten(tree, results);
}

/** Names, shapes and sizes of a tree's leaves: all that is needed to take a flat vector apart again. */
export interface Structure<T extends Tree> {
  readonly shapes: readonly (readonly number[])[];
  readonly names: readonly string[];
  /** Sum of all leaves' sizes. */
  readonly size: number;
  /**
   * Takes a vector [size] apart into the tree; differentiable, one op (split), so that its gradient is one concat.
   * @throws TangentLabError `invalid-argument` for a vector of another size.
   */
  unravel(flat: Tensor): T;
}

/**
 * The structure of a tree, like JAX's ravel_pytree. Training keeps parameters, moments and averages as one flat vector each:
 * an optimizer step is then a dozen ops on one vector instead of on every leaf.
 */
export function structure<T extends Tree>(tree: T): Structure<T> {
  const flat = flatten(tree);
  const shapes = flat.map((leaf) => leaf.tensor.shape.slice());
  const sizes = flat.map((leaf) => leaf.tensor.size);
  const size = sizes.reduce((a, b) => a + b, 0);
  const build = rebuilder(tree);
  return {
    shapes,
    names: flat.map((leaf) => leaf.name),
    size,
    unravel: (vector) => {
      check(vector.size === size, "parameters", vector.shape, `[${size}], as this structure has`);
      const parts = sizes.length === 1 ? [vector as tf.Tensor] : tf.split(vector as tf.Tensor, sizes);
      return build(parts.map((part, i) => tf.reshape(part, shapes[i] as number[]))) as T;
    },
  };
}

/** One flat float32 vector of all leaves, in order. */
export function ravel(tree: Tree): Tensor {
  const parts = leaves(tree).map((leaf) => tf.reshape(leaf as tf.Tensor, [-1]) as tf.Tensor1D);
  return parts.length === 1 ? parts[0]! : tf.concat1d(parts);
}

/** A function that builds trees like `tree`, leaf i from part order[i] (default i); keeps no tensor of it alive. */
export function rebuilder(tree: Tree, order?: readonly number[]): (parts: readonly Tensor[]) => Tree {
  type Build = (next: () => Tensor) => Tree;
  const plan = (node: Tree): Build => {
    if (isTensor(node)) return (next) => next();
    if (Array.isArray(node)) {
      const children = node.map(plan);
      return (next) => children.map((child) => child(next));
    }
    const children = Object.entries(node).map(([name, child]) => [name, plan(child as Tree)] as const);
    return (next) => Object.fromEntries(children.map(([name, child]) => [name, child(next)]));
  };
  const build = plan(tree);
  return (parts) => {
    let i = 0;
    return build(() => parts[order ? order[i++]! : i++]!);
  };
}

/** A test for trees of the structure of `tree`, with leaves of the same shapes and types: their leaves in order, or undefined. */
export function matcher(tree: Tree): (other: Tree) => Tensor[] | undefined {
  type Match = (node: unknown, found: Tensor[]) => boolean;
  const plan = (node: Tree): Match => {
    if (isTensor(node)) {
      const { shape, dtype } = node;
      return (other, found) =>
        isTensor(other) &&
        other.dtype === dtype &&
        other.shape.length === shape.length &&
        other.shape.every((d, i) => d === shape[i]) &&
        found.push(other) > 0;
    }
    const names = Object.keys(node);
    const children = names.map((name) => plan((node as { [name: string]: Tree })[name]!));
    return (other, found) => {
      if (isTensor(other)) return false;
      const keys = Object.keys(other as object);
      return (
        keys.length === names.length &&
        names.every(
          (name, i) => keys[i] === name && children[i]!((other as { [name: string]: Tree })[name], found),
        )
      );
    };
  };
  const match = plan(tree);
  return (other) => {
    const found: Tensor[] = [];
    return match(other, found) ? found : undefined;
  };
}

/** Frees the memory of all leaves. */
export const dispose = (tree: Tree): void => {
  for (const leaf of leaves(tree)) leaf.dispose();
};
