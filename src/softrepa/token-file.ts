import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { TangentLabError } from "../errors.js";
import { holdsNo } from "../io/metadata.js";
import { readSafetensors, type StoredArray, writeSafetensors } from "../io/safetensors.js";
import { type SoftTokens, softTokens } from "./tokens.js";

/** What a file of soft tokens holds. */
export interface TokenDescription {
  /** L, the layers that have tokens of their own; 1 where one set serves all layers. */
  layers: number;
  /** One set for all layers, put in after the first text token, as for U-Nets. */
  shared: boolean;
  /** m, tokens of each layer. */
  tokens: number;
  /** Dimension of a token. */
  dim: number;
  /** Rows of the time table; 0 for none. */
  timeRows: number;
  /** Numbers in the file. */
  parameters: number;
}

/** The part of a text-to-image model's configuration that soft tokens depend on. */
export interface TokenHost {
  name: string;
  /** "joint": image and text tokens attend to each other, tokens per layer. "cross": a U-Net that attends to text, one set for all. */
  attention: "joint" | "cross";
  /** Layers that could have tokens of their own. */
  layers: number;
  /** Dimension of text tokens where soft tokens join them: the inner width of a joint transformer, the cross-attention's of a U-Net. */
  dim: number;
}

/** The models for which soft tokens were published, by their public configurations. */
export const publishedHosts: readonly TokenHost[] = [
  // 24 heads of 64 in 24 layers; text of 4096 numbers a token is projected to 1536 first.
  { name: "sd3", attention: "joint", layers: 24, dim: 24 * 64 },
  { name: "sd1.5", attention: "cross", layers: 16, dim: 768 },
  { name: "sdxl", attention: "cross", layers: 70, dim: 2048 },
];

/** Soft tokens with their parameters [P]. */
export interface LoadedTokens {
  readonly model: SoftTokens;
  readonly parameters: Tensor;
  readonly description: TokenDescription;
  /** The file's metadata. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * What the arrays of a token file are, by their shapes: `soft_tokens` [L, m, dim] or [m, dim] and perhaps `time_embedding` [rows, L dim].
 * @throws TangentLabError `corrupt-file` naming what does not fit together.
 */
export function describeTokens(
  arrays: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  path = "the file",
): TokenDescription {
  const corrupt = holdsNo("soft tokens", path);
  const known = ["soft_tokens", "time_embedding"];
  const other = Object.keys(arrays).find((name) => !known.includes(name));
  if (other !== undefined) throw corrupt(`it has ${other}, where only ${known.join(" and ")} are known`);
  const shape = arrays.soft_tokens?.shape;
  if (!shape) throw corrupt("soft_tokens is missing");
  if ((shape.length !== 2 && shape.length !== 3) || shape.some((n) => n < 1)) {
    throw corrupt(`soft_tokens is of shape [${shape}], not [layers, tokens, dim] or [tokens, dim]`);
  }
  const shared = shape.length === 2;
  const [layers, tokens, dim] = (shared ? [1, ...shape] : shape) as [number, number, number];
  const table = arrays.time_embedding?.shape;
  if (table && (table.length !== 2 || table[0]! < 1 || table[1] !== layers * dim)) {
    throw corrupt(
      `time_embedding is of shape [${table}], not [rows, ${layers} layers x ${dim} = ${layers * dim}]`,
    );
  }
  const timeRows = table?.[0] ?? 0;
  return { layers, shared, tokens, dim, timeRows, parameters: layers * dim * (tokens + timeRows) };
}

/**
 * Checks by shapes alone that tokens belong to a model.
 * @throws TangentLabError `invalid-argument` naming the dimension that does not fit.
 */
export function checkTokensFit(description: TokenDescription, host: TokenHost): void {
  const problem = tokensProblem(description, host);
  if (!problem) return;
  throw new TangentLabError(
    "invalid-argument",
    `these soft tokens do not fit ${host.name}: ${problem.what}`,
    {
      argument: `tokens.${problem.dimension}`,
      given: problem.given,
      allowed: problem.allowed,
    },
  );
}

/** Which dimension does not fit, if any. */
export function tokensProblem(
  { layers, shared, dim }: TokenDescription,
  host: TokenHost,
): { dimension: string; what: string; given: unknown; allowed: string } | undefined {
  if (dim !== host.dim) {
    return { dimension: "dim", what: "the dimension of a token", given: dim, allowed: `${host.dim}` };
  }
  if (shared !== (host.attention === "cross")) {
    const given = shared ? "one set for all layers" : `${layers} layers of their own`;
    const allowed =
      host.attention === "cross" ? "one set for all layers, [tokens, dim]" : "[layers, tokens, dim]";
    return { dimension: "layers", what: "the layers", given, allowed };
  }
  if (!shared && layers > host.layers) {
    return {
      dimension: "layers",
      what: "the number of layers",
      given: layers,
      allowed: `1 to ${host.layers}`,
    };
  }
  return undefined;
}

/**
 * Reads a file of soft tokens, ours or published.
 * @param host Where given, the tokens must fit it.
 * @throws TangentLabError `file-system`, `corrupt-file`, and `invalid-argument` naming a dimension that does not fit.
 */
export async function loadTokens(path: string, host?: TokenHost): Promise<LoadedTokens> {
  const { tensors, metadata } = await readSafetensors(path);
  const description = describeTokens(tensors, path);
  if (host) checkTokensFit(description, host);
  const { layers, tokens, dim, timeRows } = description;
  const model = softTokens({ layers, tokens, dim, timeRows });
  // Neither layout changes by dropping a leading axis of 1, so the flat vector is the arrays one after the other.
  const flat = new Float32Array(description.parameters);
  flat.set(numbers(tensors.soft_tokens!));
  if (tensors.time_embedding) flat.set(numbers(tensors.time_embedding), layers * tokens * dim);
  return { model, parameters: tf.tensor1d(flat), description, metadata };
}

/** Writes soft tokens under the published names. @throws TangentLabError `file-system`. */
export async function saveTokens(
  path: string,
  tokens: Pick<LoadedTokens, "model" | "parameters">,
  options: { shared?: boolean; metadata?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const { layers, tokens: m, dim, timeRows } = tokens.model;
  const flat = tokens.parameters.dataSync() as Float32Array;
  const size = layers * m * dim;
  const arrays: Record<string, StoredArray> = {
    soft_tokens: { shape: options.shared ? [m, dim] : [layers, m, dim], data: flat.slice(0, size) },
  };
  if (timeRows > 0) arrays.time_embedding = { shape: [timeRows, layers * dim], data: flat.slice(size) };
  await writeSafetensors(path, arrays, options.metadata);
}

const numbers = ({ data }: StoredArray): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);
