import type { Key } from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import type { Network } from "../nn/network.js";
import type { Published } from "../nn/published.js";
import type { EncodedText, FrozenFlow } from "./frozen-flow.js";
import type { ImageSizes } from "./image-size.js";

/** What a velocity network reads of captions: token embeddings [N, L, D] and one vector for the whole caption [N, P]. */
export type Text = EncodedText & { readonly tokens: Tensor; readonly pooled: Tensor };

/** A point on the way from data to noise, and the caption. */
export interface VelocityInputs {
  /** Images x_t [N, H, W, C]. */
  readonly x: Tensor;
  /** Times [N] in [0, 1]: 0 is data, 1 is noise. */
  readonly t: Tensor;
  readonly text: Text;
  /** Soft tokens [N, m, tokenDim] for each of the first layers; for a "cross" network one entry, which serves all layers. */
  readonly softTokens?: readonly Tensor[] | undefined;
}

/** A velocity field v(x_t, t, text), an estimate of e - x0 (rectified flow, 2209.03003): -> [N, H, W, C]. */
export interface VelocityNetwork extends Network<[inputs: VelocityInputs], Tensor> {
  /** Shape of an image, [H, W, C]. */
  readonly shape: readonly [number, number, number];
  /** Other heights and widths that it takes. */
  readonly sizes?: ImageSizes | undefined;
  /** "joint": image and text tokens attend to each other, soft tokens per layer. "cross": images attend to text, one set of soft tokens for all layers. */
  readonly attention: "joint" | "cross";
  /** Layers that attend to text. */
  readonly layers: number;
  /** Dimension of soft tokens. */
  readonly tokenDim: number;
  /** Dimensions of what it reads of captions. */
  readonly textDim: number;
  readonly pooledDim: number;
  /** All that is needed to make the network again; JSON. */
  readonly settings: object;
  /** Names of frozen parameters. */
  readonly fixed?: readonly string[] | undefined;
  /** What the network makes of text tokens [N, n, textDim] before its first layer: [N, n, tokenDim]. Without it, they are as they were. */
  embedText?(parameters: Tree, tokens: Tensor): Tensor;
  /**
   * Attention of image positions to soft tokens, mean over heads: [N, positions, m] for each layer that has soft tokens; positions are the layer's patches or
   * pixels, row by row.
   */
  softAttention(parameters: Tree, inputs: VelocityInputs): Tensor[];
  /** The image's tokens or pixels behind a layer, 0 ... layers - 1: [N, positions, width]; what the model knows of an image (REPA, 2410.06940). */
  hidden(parameters: Tree, inputs: VelocityInputs, layer: number): Tensor;
}

/** Captions to what networks read of them. */
export interface TextEncoder extends Network<[ids: Tensor], Text> {
  /** L: tokens of every caption, padding included. */
  readonly length: number;
  readonly textDim: number;
  readonly pooledDim: number;
  /** All that is needed to make the encoder again; JSON. Without it, it must be kept apart from the model's file. */
  readonly settings?: object;
  /**
   * Captions as numbers, int32 with a row for each, on the host. "" is the empty caption of guidance.
   * @throws TangentLabError `invalid-argument` for an empty list and for captions longer than the context, `invalid-data` for captions without embeddings.
   */
  tokenize(captions: readonly string[]): Tensor;
  /** Words of the captions that it does not know, each once; they are all read as the same "unknown". */
  unknownWords(captions: readonly string[]): string[];
}

/** A text-to-image flow: a velocity network and a text encoder on one flat vector of parameters [P]. */
export interface TextToImage extends Omit<FrozenFlow, "parameters">, Published {
  readonly network: VelocityNetwork;
  readonly text: TextEncoder;
  /** Dimension of soft tokens. */
  readonly tokenDim: number;
  /** Names of frozen parameters. */
  readonly fixed?: readonly string[] | undefined;
  /** Random initial parameters [P]; the same key gives the same parameters. */
  init(key: Key): Tensor;
  encode(parameters: Tensor, ids: Tensor): Text;
  /** Attention of image positions to soft tokens, see `VelocityNetwork`. */
  softAttention(
    parameters: Tensor,
    x: Tensor,
    t: Tensor,
    text: EncodedText,
    softTokens: readonly Tensor[],
  ): Tensor[];
  /** The image's tokens behind a layer, see `VelocityNetwork`. */
  hidden(
    parameters: Tensor,
    x: Tensor,
    t: Tensor,
    text: EncodedText,
    layer: number,
    softTokens?: readonly Tensor[],
  ): Tensor;
  /** The flow with trained parameters, as soft tokens, generation and editing take it. */
  freeze(parameters: Tensor): TextToImage & FrozenFlow;
}

/** A text-to-image flow with its parameters. */
export interface Flow extends ReturnType<TextToImage["freeze"]> {
  /** The flow without them. */
  readonly model: TextToImage;
}
