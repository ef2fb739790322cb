import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import type { Structure, Tree } from "../engine/tree.js";
import { TangentLabError } from "../errors.js";
import type { StoredArray } from "../io/safetensors.js";

// Weights as PyTorch's state dicts have them, and ours. The one place where the layouts meet: convolutions are OIHW there and HWIO here,
// matrices [out, in] there and [in, out] here.

/** How the weights of a network are stored where they are published. */
export interface PublishedLayout {
  /** Published name of a parameter, from its name in our tree ("enc.16x16_conv.weight"). */
  name(ours: string): string;
  /** Further tensors of the state dict that follow from the configuration. Checked where present, written on export. */
  readonly constants?: Readonly<Record<string, StoredArray>>;
  /** Names of further tensors that are nothing to us, such as counters. */
  ignore?(published: string): boolean;
}

/** A network's parameters with their published layout: a `Model`. */
export interface Published {
  readonly structure: Structure<Tree>;
  readonly published?: PublishedLayout;
}

/**
 * Published weights as the flat vector of parameters [P] of a model such as `flatten(songUnet(...))`.
 * @param arrays All tensors of the state dict, as `readSafetensors` gives them.
 * @throws TangentLabError `invalid-data` naming the tensor if one is missing, of another shape, or more than the network has.
 */
export function importPublished(model: Published, arrays: Readonly<Record<string, StoredArray>>): Tensor {
  const { structure, published: layout = plain } = model;
  const rest = new Set(Object.keys(arrays));
  const take = (name: string, shape: readonly number[]): StoredArray => {
    const array = arrays[name];
    if (!array) throw wrong(`there is no ${name}`, name, undefined, `[${shape}]`);
    if (`${array.shape}` !== `${shape}`) {
      throw wrong(`${name} has another shape`, name, `[${array.shape}]`, `[${shape}]`);
    }
    rest.delete(name);
    return array;
  };
  return tf.tidy(() => {
    const leaves = structure.names.map((ours, i) => {
      const there = publishedShape(structure.shapes[i]!);
      const { data } = take(layout.name(ours), there);
      const values = Float32Array.from(data as ArrayLike<number>, Number);
      return tf.reshape(turned(tf.tensor(values, there), "ours"), [-1]) as tf.Tensor1D;
    });
    for (const [name, constant] of Object.entries(layout.constants ?? {})) {
      if (!arrays[name]) continue;
      const { data } = take(name, constant.shape);
      const expected = constant.data as Float32Array;
      if (!expected.every((value, i) => Math.abs(Number(data[i]) - value) <= 1e-6))
        throw wrong(`${name} is of another configuration`, name, String(data), String(expected));
    }
    const unknown = [...rest].filter((name) => !layout.ignore?.(name));
    if (unknown.length > 0) {
      throw wrong(
        `the network has no ${unknown[0]}`,
        unknown[0]!,
        unknown.slice(0, 5),
        "only the network's own tensors",
      );
    }
    return tf.concat1d(leaves) as Tensor;
  });
}

/** The parameters [P] of a model, or a gradient with respect to them, under the published names and in the published layout. */
export function exportPublished(model: Published, parameters: Tensor): Record<string, StoredArray> {
  const { structure, published: layout = plain } = model;
  const flat = parameters.dataSync() as Float32Array;
  const out: Record<string, StoredArray> = {};
  let begin = 0;
  structure.names.forEach((ours, i) => {
    const shape = structure.shapes[i]!;
    const size = shape.reduce((a, b) => a * b, 1);
    const leaf = tf.tidy(() =>
      turned(tf.tensor(flat.slice(begin, begin + size), shape as number[]), "theirs"),
    );
    out[layout.name(ours)] = { shape: leaf.shape, data: (leaf.dataSync() as Float32Array).slice() };
    leaf.dispose();
    begin += size;
  });
  return { ...out, ...layout.constants };
}

const plain: PublishedLayout = { name: (ours) => ours };

/** The shape there of a parameter of this shape here. */
const publishedShape = (shape: readonly number[]): number[] =>
  order(shape.length, "theirs").map((axis) => shape[axis]!);

const turned = (x: tf.Tensor, to: "ours" | "theirs"): tf.Tensor =>
  x.rank < 2 ? tf.clone(x) : tf.transpose(x, order(x.rank, to));

function order(rank: number, to: "ours" | "theirs"): number[] {
  if (rank === 4) return to === "ours" ? [2, 3, 1, 0] : [3, 2, 0, 1];
  return rank === 2 ? [1, 0] : Array.from({ length: rank }, (_, i) => i);
}

const wrong = (why: string, argument: string, given: unknown, allowed: string): TangentLabError =>
  new TangentLabError("invalid-data", `these are not the network's weights: ${why}`, {
    argument,
    given,
    allowed,
  });
