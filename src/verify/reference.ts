import { basename, extname } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { TangentLabError } from "../errors.js";
import { readBytes } from "../io/files.js";
import { type Corrupt, parseJson, type Schema } from "../io/json.js";
import { metadataJson } from "../io/metadata.js";
import { asFloat32, decodeSafetensors, type StoredArray, sizeOf } from "../io/safetensors.js";

/** A file of reference numbers: a safetensors file with JSON text in its metadata, or a JSON file. */
export interface Reference {
  readonly path: string;
  /** The file's name without its extension. */
  readonly name: string;
  /** The names of all tensors that begin with `prefix`, without it, in the file's order. */
  names(prefix?: string): string[];
  /** Whether there is such a tensor. */
  has(name: string): boolean;
  /** A tensor as it is stored, float32. @throws TangentLabError `corrupt-file` if it is missing. */
  tensor(name: string): Tensor;
  /** An image batch or feature map, stored NCHW, as NHWC. @throws TangentLabError `corrupt-file` if it is missing or not of rank 4. */
  images(name: string): Tensor;
  /** All tensors that begin with `prefix`, by the rest of their name: for weights, which nn/published.ts takes. */
  stored(prefix: string): Record<string, StoredArray>;
  /** Text of the metadata; undefined if it has none of that name. */
  metadata(name: string): string | undefined;
  /** A value of the metadata that is JSON text. @throws TangentLabError `corrupt-file` if it is missing, not JSON or not as the schema has it. */
  json<T>(name: string, schema: Schema<T>): T;
  /** What a JSON file holds. @throws TangentLabError `corrupt-file` if this is not a JSON file, or not as the schema has it. */
  content<T>(schema: Schema<T>): T;
  /** How many numbers its tensors have together. */
  readonly size: number;
  /** Tensors that nothing has asked for yet. */
  unused(): string[];
}

/** Reads a reference file. @throws TangentLabError `corrupt-file` or `file-system`. */
export async function readReference(path: string): Promise<Reference> {
  const bytes = await readBytes(path);
  if (extname(path) === ".json") return reference(path, { content: new TextDecoder().decode(bytes) });
  return reference(path, decodeSafetensors(bytes, path));
}

interface Parts {
  tensors?: Readonly<Record<string, StoredArray>>;
  metadata?: Readonly<Record<string, string>>;
  /** The text of a JSON file. */
  content?: string;
}

function reference(path: string, { tensors = {}, metadata = {}, content }: Parts): Reference {
  const used = new Set<string>();
  const stored = (name: string): StoredArray => {
    const array = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (!array) throw corrupt(path, `it has no tensor ${name}`);
    used.add(name);
    return array;
  };
  const tensor = (name: string): Tensor => {
    const { shape, data } = stored(name);
    return tf.tensor(asFloat32(data), shape as number[]);
  };
  const textOf = (name: string): string | undefined =>
    Object.hasOwn(metadata, name) ? metadata[name] : undefined;
  const names = (prefix = ""): string[] =>
    Object.keys(tensors)
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  const wrong: Corrupt = (why, cause) => corrupt(path, why, cause);
  return {
    path,
    size: sizeOf(tensors),
    name: basename(path, extname(path)),
    names,
    has: (name) => Object.hasOwn(tensors, name),
    tensor,
    images: (name) => {
      const nchw = tensor(name);
      if (nchw.rank !== 4) throw corrupt(path, `${name} is of shape [${nchw.shape}], not [N, C, H, W]`);
      return tf.transpose(nchw, [0, 2, 3, 1]);
    },
    stored: (prefix) => Object.fromEntries(names(prefix).map((name) => [name, stored(prefix + name)])),
    metadata: textOf,
    json: (name, schema) => {
      if (textOf(name) === undefined) throw corrupt(path, `its metadata has no ${name}`);
      return metadataJson(metadata, name, schema, wrong);
    },
    content: (schema) => {
      if (content === undefined) throw corrupt(path, "it is not a JSON file");
      return parseJson(content, schema, "it", wrong);
    },
    unused: () => Object.keys(tensors).filter((name) => !used.has(name)),
  };
}

/** An error about what a reference file holds, for cases to throw. */
export const corrupt = (path: string, why: string, cause?: unknown): TangentLabError =>
  new TangentLabError("corrupt-file", `${path}: ${why}`, { argument: "path", cause });
