import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import type { Structure, Tree } from "../engine/tree.js";
import { check, required, TangentLabError } from "../errors.js";
import { asFloat32, type StoredArray } from "../io/safetensors.js";

// Weights as PyTorch's state dicts have them, and ours. The one place where the layouts meet: convolutions are OIHW there and HWIO here,
// matrices [out, in] there and [in, out] here.

/** Characters of a name that an error quotes. */
const quoted = 200;

/** How a network's published weights are stored. */
export interface PublishedLayout {
  /** Published name of a parameter, from its name in our tree ("enc.16x16_conv.weight"). */
  name(ours: string): string;
  /** Further tensors of the state dict that follow from the configuration. Checked where present, written on export. */
  readonly constants?: Readonly<Record<string, StoredArray>>;
  /** The value of a parameter, by its name in our tree, if the state dict lacks it; undefined if it is required. */
  missing?(ours: string): StoredArray | undefined;
  /** Names of further tensors that are nothing to us, such as counters. */
  ignore?(published: string): boolean;
  /** What a tensor of an older state dict is called today; its own name if that is still its name. */
  current?(published: string): string;
}

/** A network's parameters with their published layout: a `Model`. */
export interface Published {
  readonly structure: Structure<Tree>;
  readonly published?: PublishedLayout;
}

/**
 * Published weights as the flat vector of parameters [P] of a model such as `flatten(songUnet(...))`.
 * @param arrays All tensors of the state dict, as `readSafetensors` gives them.
 * @throws TangentLabError `invalid-data` naming the tensor if one is missing, of another shape, not finite, or more than the network has.
 */
export function importPublished(model: Published, arrays: Readonly<Record<string, StoredArray>>): Tensor {
  checkFlat(model);
  required("arrays", arrays, "tensors by name, such as (await readSafetensors(path)).tensors");
  const { structure, published: layout = plain } = model;
  const all = renamed(arrays, layout);
  const rest = new Set(Object.keys(all));
  const take = (name: string, shape: readonly number[], instead?: StoredArray): StoredArray => {
    const array = all[name] ?? instead;
    if (!array) throw wrong(`there is no ${name}`, name, undefined, `[${shape}]`);
    if (`${array.shape}` !== `${shape}`) {
      throw wrong(`${name} has another shape`, name, `[${array.shape}]`, `[${shape}]`);
    }
    const size = shape.reduce((a, b) => a * b, 1);
    if (array.data?.length !== size)
      throw wrong(`${name} has too many or too few numbers`, name, array.data?.length, `${size}`);
    rest.delete(name);
    return array;
  };
  const flat = new Float32Array(structure.size);
  let end = 0;
  structure.names.forEach((ours, i) => {
    const shape = structure.shapes[i]!;
    const name = layout.name(ours);
    const data = asFloat32(
      take(name, publishedShape(shape), all[name] ? undefined : layout.missing?.(ours)).data,
    );
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw wrong(`${name} is not finite at ${bad}`, name, data[bad], "finite numbers in float32");
    const begin = end;
    end += data.length;
    toOurs(data, shape, flat.subarray(begin, end));
  });
  for (const [name, constant] of Object.entries(layout.constants ?? {})) {
    if (!all[name]) continue;
    const { data } = take(name, constant.shape);
    const expected = constant.data as Float32Array;
    const other = expected.findIndex((value, i) => !(Math.abs(Number(data[i]) - value) <= 1e-6));
    if (other >= 0)
      throw wrong(
        `${name} is of another configuration at ${other}`,
        name,
        Number(data[other]),
        `${expected[other]}`,
      );
  }
  const unknown = [...rest].filter((name) => !layout.ignore?.(name));
  if (unknown.length > 0) {
    const some = unknown.slice(0, 5);
    throw wrong(
      `the network has no ${unknown[0]!.slice(0, quoted)}`,
      unknown[0]!,
      some,
      "only the network's own tensors",
    );
  }
  return tf.tensor1d(flat);
}

/**
 * The parameters [P] of a model, or a gradient with respect to them, under the published names and in the published layout.
 * @throws TangentLabError `invalid-argument` for a vector of another size.
 */
export function exportPublished(model: Published, parameters: Tensor): Record<string, StoredArray> {
  checkFlat(model);
  required("parameters", parameters, "a tensor");
  const { structure, published: layout = plain } = model;
  check(
    parameters.size === structure.size,
    "parameters",
    parameters.shape,
    `[${structure.size}], the model's`,
  );
  const flat = parameters.dataSync() as Float32Array;
  const out: Record<string, StoredArray> = {};
  let end = 0;
  structure.names.forEach((ours, i) => {
    const shape = structure.shapes[i]!;
    const begin = end;
    end += shape.reduce((a, b) => a * b, 1);
    out[layout.name(ours)] = {
      shape: publishedShape(shape),
      data: toTheirs(flat.subarray(begin, end), shape),
    };
  });
  return { ...out, ...layout.constants };
}

/** The tensors under the names of today; one that would take the place of another keeps its own. */
function renamed(
  arrays: Readonly<Record<string, StoredArray>>,
  { current }: PublishedLayout,
): Readonly<Record<string, StoredArray>> {
  if (!current) return arrays;
  const nameOf = (name: string): string => {
    const today = current(name);
    return Object.hasOwn(arrays, today) ? name : today;
  };
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [nameOf(name), array]));
}

/** A network as `songUnet(...)` gives it has no structure yet. */
const checkFlat = (model: Published): void =>
  check(
    model?.structure !== undefined,
    "model",
    "no structure",
    "a model: flatten(network), or denoiser(network)",
  );

const plain: PublishedLayout = { name: (ours) => ours };

/** Ours are [height, width, in, out] or [in, out], theirs [out, in, height, width] or [out, in]; all else is alike. */
const isTurned = (shape: readonly number[]): boolean => shape.length === 4 || shape.length === 2;

const publishedShape = (shape: readonly number[]): number[] =>
  isTurned(shape) ? [...shape.slice(-2).reverse(), ...shape.slice(0, -2)] : [...shape];

/** Writes a published array into ours, of this shape. */
function toOurs(theirs: Float32Array, shape: readonly number[], ours: Float32Array): void {
  if (!isTurned(shape)) ours.set(theirs);
  else
    eachPair(shape, (here, there) => {
      ours[here] = theirs[there]!;
    });
}

function toTheirs(ours: Float32Array, shape: readonly number[]): Float32Array {
  const theirs = ours.slice();
  if (isTurned(shape))
    eachPair(shape, (here, there) => {
      theirs[there] = ours[here]!;
    });
  return theirs;
}

/** The positions of each number of an array, in ours and in theirs. */
function eachPair(shape: readonly number[], visit: (here: number, there: number) => void): void {
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const positions = shape.slice(0, -2).reduce((a, b) => a * b, 1);
  let here = 0;
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++) visit(here++, (o * inputs + i) * positions + p);
    }
  }
}

const wrong = (why: string, argument: string, given: unknown, allowed: string): TangentLabError =>
  new TangentLabError("invalid-data", `these are not the network's weights: ${why}`, {
    argument,
    given,
    allowed,
  });
