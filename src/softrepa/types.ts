import type { Tensor } from "../engine/tensor.js";
import type { Network } from "../nn/network.js";
import type { EncodedText, FrozenFlow } from "./contrastive.js";

/** What a velocity network reads of captions: token embeddings [N, L, D] and one vector for the whole caption [N, P]. */
export type Text = EncodedText & { readonly tokens: Tensor; readonly pooled: Tensor };

/** A point on the way from data to noise, and the caption. */
export interface VelocityInputs {
  /** Images x_t [N, H, W, C]. */
  readonly x: Tensor;
  /** Times [N] in [0, 1]: 0 is data, 1 is noise. */
  readonly t: Tensor;
  readonly text: Text;
  /** Soft tokens of the first layers, [N, m, tokenDim] each, m alike or not; for a "cross" network one entry, which serves all layers. */
  readonly softTokens?: readonly Tensor[] | undefined;
}

/** A text-conditional velocity field v(x_t, t, text): an estimate of e - x0 [N, H, W, C], see science of rectified flow (2209.03003). */
export interface VelocityNetwork extends Network<[inputs: VelocityInputs], Tensor> {
  /** Shape of an image, [H, W, C]. */
  readonly shape: readonly [number, number, number];
  /** "joint": image and text tokens attend to each other, soft tokens per layer. "cross": images attend to text, one set of soft tokens for all layers. */
  readonly attention: "joint" | "cross";
  /** Layers that attend to text. */
  readonly layers: number;
  /** Dimension of soft tokens. */
  readonly tokenDim: number;
  /** Dimensions of what it reads of captions. */
  readonly textDim: number;
  readonly pooledDim: number;
  /**
   * Attention weights of image positions to soft tokens, mean over heads, one [N, positions, m] for each layer that has soft tokens; positions are the layer's
   * patches or pixels, row by row.
   */
  softAttention(parameters: unknown, inputs: VelocityInputs): Tensor[];
}

/** Captions to what networks read of them. */
export interface TextEncoder extends Network<[ids: Tensor], Text> {
  /** L: tokens of every caption, with the padding. */
  readonly length: number;
  readonly textDim: number;
  readonly pooledDim: number;
  /**
   * Token numbers [captions, length], int32, on the host. "" is the empty caption of guidance.
   * @throws TangentLabError `invalid-argument` for an empty list and for captions longer than the context, `invalid-data` for captions without embeddings.
   */
  tokenize(captions: readonly string[]): Tensor;
  /** Words of the captions that it does not know, each once; they are read as "unknown". */
  unknownWords(captions: readonly string[]): string[];
}

/** A text-to-image flow: a velocity network and a text encoder on one flat vector of parameters [P]. */
export interface TextToImage extends Omit<FrozenFlow, "parameters" | "encode"> {
  readonly network: VelocityNetwork;
  readonly text: TextEncoder;
  encode(parameters: Tensor, ids: Tensor): Text;
  init(key: import("../engine/random.js").Key): Tensor;
  /** The flow with trained parameters, as soft tokens and editing take it. */
  freeze(parameters: Tensor): FrozenFlow & { readonly tokenDim: number };
}
