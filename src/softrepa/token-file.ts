import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check, required, TangentLabError } from "../errors.js";
import { quoted } from "../io/json.js";
import { holdsNo } from "../io/metadata.js";
import { readSafetensors, type StoredArray, writeSafetensors } from "../io/safetensors.js";
import { checkSoft, type FrozenFlow } from "./frozen-flow.js";
import { type SoftTokens, softTokens } from "./tokens.js";

/** What a file of soft tokens holds. */
export interface TokenDescription {
  /** L, the layers that have tokens of their own; 1 where one set serves all layers. */
  layers: number;
  /** One set for all layers, put in after the first text token, as for U-Nets. */
  shared: boolean;
  /** m, tokens of each layer. */
  tokens: number;
  /** Dimension of a token inside the model, and of each layer's slice of the time table. */
  dim: number;
  /** Dimension of the tokens in the file where they pass the model's embedder of text first, as while SoftREPA trains them. */
  textDim?: number;
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
  /** Dimension of text tokens before the model's embedder, where it has one. */
  textDim?: number;
}

/** The models for which soft tokens were published, by their public configurations. */
export const publishedHosts: readonly TokenHost[] = [
  // 24 heads of 64 in 24 layers; text of 4096 numbers a token is projected to 1536 first.
  { name: "sd3", attention: "joint", layers: 24, dim: 24 * 64, textDim: 4096 },
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
 * @param inner Where the tokens are as wide as `inner.textDim`, they are to pass an embedder to `inner.dim`.
 * @throws TangentLabError `corrupt-file` naming what does not fit together.
 */
export function describeTokens(
  arrays: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  path = "the file",
  inner: Partial<Pick<TokenHost, "dim" | "textDim">> = {},
): TokenDescription {
  required("arrays", arrays, "arrays by name, each with its shape");
  const corrupt = holdsNo("soft tokens", path);
  const known = ["soft_tokens", "time_embedding"];
  const other = Object.keys(arrays).find((name) => !known.includes(name));
  if (other !== undefined)
    throw corrupt(`it has ${other.slice(0, quoted)}, where only ${known.join(" and ")} are known`);
  const shape = arrays.soft_tokens?.shape;
  if (!shape) throw corrupt("soft_tokens is missing");
  if ((shape.length !== 2 && shape.length !== 3) || shape.some((n) => n < 1)) {
    throw corrupt(`soft_tokens is of shape [${shape}], not [layers, tokens, dim] or [tokens, dim]`);
  }
  const shared = shape.length === 2;
  const [layers, tokens, width] = (shared ? [1, ...shape] : shape) as [number, number, number];
  const embedded = inner.dim !== undefined && inner.dim !== width && inner.textDim === width;
  const dim = embedded ? inner.dim! : width;
  const table = arrays.time_embedding?.shape;
  if (table && (table.length !== 2 || table[0]! < 1 || table[1] !== layers * dim)) {
    throw corrupt(
      `time_embedding is of shape [${table}], not [rows, ${layers} layers x ${dim} = ${layers * dim}]`,
    );
  }
  const timeRows = table?.[0] ?? 0;
  const parameters = layers * (tokens * width + timeRows * dim);
  return { layers, shared, tokens, dim, ...(embedded && { textDim: width }), timeRows, parameters };
}

/**
 * Checks by shapes alone that tokens belong to a model.
 * @throws TangentLabError `invalid-argument` naming the dimension that does not fit.
 */
export function checkTokensFit(description: TokenDescription, host: TokenHost): void {
  required("description", description, "what describeTokens gives");
  required("host", host, "a model's name, attention, layers and dim");
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
  { layers, shared, dim, textDim }: TokenDescription,
  host: TokenHost,
): { dimension: string; what: string; given: unknown; allowed: string } | undefined {
  if (dim !== host.dim) {
    return { dimension: "dim", what: "the dimension of a token", given: dim, allowed: `${host.dim}` };
  }
  if (textDim !== undefined && textDim !== host.textDim) {
    const allowed = host.textDim === undefined ? "none: it embeds no text" : `${host.textDim}`;
    return { dimension: "textDim", what: "the dimension before the embedder", given: textDim, allowed };
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
 * @param host Where given, the tokens must fit it; tokens of its `textDim` pass its embedder.
 * @throws TangentLabError `file-system`, `corrupt-file`, and `invalid-argument` naming a dimension that does not fit.
 */
export async function loadTokens(path: string, host?: TokenHost): Promise<LoadedTokens> {
  const { tensors, metadata } = await readSafetensors(path);
  const description = describeTokens(tensors, path, host ?? innerOf(metadata));
  if (host) checkTokensFit(description, host);
  const { layers, tokens, dim, textDim, timeRows } = description;
  const model = softTokens({ layers, tokens, dim, textDim, timeRows });
  // Neither layout changes by dropping a leading axis of 1, so the flat vector is the arrays one after the other.
  const flat = new Float32Array(description.parameters);
  flat.set(numbers(tensors.soft_tokens!));
  if (tensors.time_embedding) flat.set(numbers(tensors.time_embedding), layers * tokens * (textDim ?? dim));
  return { model, parameters: tf.tensor1d(flat), description, metadata };
}

/** Writes soft tokens under the published names. @throws TangentLabError `file-system`. */
export async function saveTokens(
  path: string,
  tokens: Pick<LoadedTokens, "model" | "parameters">,
  options: { shared?: boolean; metadata?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const { layers, tokens: m, dim, textDim, timeRows } = tokens.model;
  const width = textDim ?? dim;
  const flat = tokens.parameters.dataSync() as Float32Array;
  const size = layers * m * width;
  const arrays: Record<string, StoredArray> = {
    soft_tokens: { shape: options.shared ? [m, width] : [layers, m, width], data: flat.slice(0, size) },
  };
  if (timeRows > 0) arrays.time_embedding = { shape: [timeRows, layers * dim], data: flat.slice(size) };
  const inner: Record<string, string> = textDim === undefined ? {} : { dim: `${dim}`, textDim: `${textDim}` };
  await writeSafetensors(path, arrays, { ...options.metadata, ...inner });
}

/** The widths behind and before the embedder, where `saveTokens` has written them. */
function innerOf(metadata: Readonly<Record<string, string>>): Partial<Pick<TokenHost, "dim" | "textDim">> {
  const [dim, textDim] = [Number(metadata.dim), Number(metadata.textDim)];
  return [dim, textDim].every((n) => Number.isInteger(n) && n >= 1) ? { dim, textDim } : {};
}

/**
 * Tokens that have passed a flow's embedder of text, as SoftREPA's are released: they do the same without it.
 * @param flow The frozen flow for which they were trained.
 * @throws TangentLabError `invalid-argument` for tokens that have no `textDim` or do not fit the flow.
 */
export function embedTokens(
  flow: FrozenFlow,
  soft: Pick<LoadedTokens, "model" | "parameters">,
): Pick<LoadedTokens, "model" | "parameters"> {
  check(flow?.parameters instanceof tf.Tensor, "flow", flow, "a flow with its parameters");
  checkSoft(flow, required("tokens", soft, "soft tokens: { model, parameters }"));
  const { model, parameters } = soft;
  const { layers, tokens, dim, textDim, timeRows } = model;
  check(textDim !== undefined, "tokens.textDim", textDim, "tokens that pass an embedder");
  const embedded = tf.tidy(() => {
    const size = layers * tokens * textDim;
    const before = tf.reshape(tf.slice(parameters, [0], [size]), [1, layers * tokens, textDim]);
    const inside = tf.reshape(flow.embedText!(flow.parameters, before), [-1]) as tf.Tensor1D;
    const table = tf.slice(parameters, [size], [parameters.size - size]) as tf.Tensor1D;
    return timeRows === 0 ? tf.clone(inside) : tf.concat1d([inside, table]);
  });
  return { model: softTokens({ layers, tokens, dim, timeRows }), parameters: embedded };
}

const numbers = ({ data }: StoredArray): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);
