import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import type { ImageShapes } from "./image-size.js";
import type { SoftTokens } from "./tokens.js";

/** Encoded captions: tensors whose first axis counts the captions. */
export type EncodedText = { readonly [name: string]: Tensor };

/** A trained text-to-image flow for soft tokens: its parameters are frozen. */
export interface FrozenFlow extends ImageShapes {
  /** Its parameters [P]. */
  readonly parameters: Tensor;
  /** Dimension of soft tokens, if it should be checked. */
  readonly tokenDim?: number;
  /** Dimension of text tokens before `embedText`. */
  readonly textDim?: number;
  /** Token numbers of captions, on the host: [captions, length]. @throws TangentLabError for captions it cannot take. */
  tokenize(captions: readonly string[]): Tensor;
  /** What the network reads of the captions. */
  encode(parameters: Tensor, ids: Tensor): EncodedText;
  /** Text tokens [n, length, textDim] as they enter the first layer, [n, length, tokenDim], where the network embeds them. */
  readonly embedText?: (parameters: Tensor, tokens: Tensor) => Tensor;
  /** v(x_t, t, captions), with soft tokens [n, m, dim] for each of the first layers: x [n, ...shape], t [n], text of n captions. */
  velocity(
    parameters: Tensor,
    x: Tensor,
    t: Tensor,
    text: EncodedText,
    softTokens?: readonly Tensor[],
  ): Tensor;
}

/** Checks that a flow has its parameters. @throws TangentLabError `invalid-argument`. */
export function checkFlow(flow: FrozenFlow): void {
  const frozen =
    typeof flow?.encode === "function" && Array.isArray(flow.shape) && flow.parameters instanceof tf.Tensor;
  check(frozen, "flow", flow, "a trained flow, or textToImage(...).freeze(parameters): await its run first");
}

/** Checks that soft tokens, where there are any, are complete. @throws TangentLabError `invalid-argument`. */
export function checkSoft(
  flow: FrozenFlow,
  tokens: { readonly model: SoftTokens; readonly parameters: Tensor } | undefined,
): void {
  if (tokens === undefined) return;
  required("tokens", tokens, "soft tokens: { model, parameters }");
  checkTokens(flow, tokens.model);
  const { parameters } = tokens;
  check(parameters instanceof tf.Tensor, "tokens.parameters", parameters, "a tensor [P], the tokens'");
}

/** Checks that a key is given. @throws TangentLabError `invalid-argument`. */
export function checkKey(key: Key): void {
  const isKey = Array.isArray(key) && key.length === 2 && key.every((word) => Number.isInteger(word));
  check(isKey, "key", key, "a key of random numbers: random.key(0)");
}

/**
 * Checks that soft tokens are as wide as a flow's text.
 * @throws TangentLabError `invalid-argument` naming `tokens.dim` or `tokens.textDim`.
 */
export function checkTokens(flow: FrozenFlow, model: SoftTokens): void {
  const { apply, dim, textDim } = required(
    "tokens.model",
    model,
    "soft tokens: softTokens(...), or of loadTokens",
  );
  check(typeof apply === "function", "tokens.model", model, "soft tokens: softTokens(...), or of loadTokens");
  const own = flow.tokenDim ?? dim;
  check(dim === own, "tokens.dim", dim, `${own}, as wide as the flow's text tokens`);
  if (textDim === undefined) return;
  check(
    flow.embedText !== undefined && textDim === flow.textDim,
    "tokens.textDim",
    textDim,
    flow.embedText
      ? `${flow.textDim}, what the flow's embedder takes`
      : "none: the flow has no embedder of text",
  );
}

/** The soft tokens at t [n], as they enter the flow's layers: L x [n, m, dim]. */
export const tokensAt = (
  flow: FrozenFlow,
  flowParameters: Tensor,
  model: SoftTokens,
  parameters: Tensor,
  t: Tensor,
): Tensor[] =>
  model.apply(parameters, t, flow.embedText && ((tokens) => flow.embedText!(flowParameters, tokens)));
