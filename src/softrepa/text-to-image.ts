import type { Tensor } from "../engine/tensor.js";
import type { Tree } from "../engine/tree.js";
import { check } from "../errors.js";
import { flatten } from "../nn/network.js";
import type { Text, TextEncoder, TextToImage, VelocityInputs, VelocityNetwork } from "./types.js";

/**
 * A text-to-image flow: the parts' parameters are one flat vector [P], the network's as published under "transformer." and the text encoder's under
 * "text_encoder.".
 * @throws TangentLabError `invalid-argument` where the network does not read what the encoder gives, naming the dimension.
 */
export function textToImage(network: VelocityNetwork, text: TextEncoder): TextToImage {
  check(typeof network?.apply === "function", "network", network, "jointTransformer(...) or crossUnet(...)");
  check(typeof text?.tokenize === "function", "text", text, "textEncoder(...) or embeddedText(...)");
  for (const name of ["textDim", "pooledDim"] as const) {
    check(network[name] === text[name], name, network[name], `${text[name]}, as the text encoder gives`);
  }
  type Parts = { transformer: Tree; text_encoder: Tree };
  const { init, structure, published } = flatten<never[], Tensor>({
    init: (key) => ({ transformer: network.init(key), text_encoder: text.init(key) }),
    apply: () => {
      throw new Error("a flow is used through encode and velocity");
    },
    published: {
      name: (ours) => {
        const [part, ...rest] = ours.split(".") as [string, ...string[]];
        const name = rest.join(".");
        return part === "transformer" ? `${part}.${network.published?.name(name) ?? name}` : ours;
      },
    },
  });
  const parts = (parameters: Tensor): Parts => structure.unravel(parameters) as Parts;
  const inputsOf = (
    x: Tensor,
    t: Tensor,
    given: Readonly<Record<string, Tensor>>,
    softTokens?: readonly Tensor[],
  ): VelocityInputs => ({ x, t, text: given as Text, softTokens });
  const flow: TextToImage = {
    network,
    text,
    shape: network.shape,
    sizes: network.sizes,
    tokenDim: network.tokenDim,
    textDim: network.textDim,
    fixed: network.fixed?.map((name) => `transformer.${name}`),
    structure,
    published,
    init,
    tokenize: text.tokenize,
    encode: (parameters, ids) => text.apply(parts(parameters).text_encoder, ids),
    ...(network.embedText && {
      embedText: (parameters: Tensor, tokens: Tensor) =>
        network.embedText!(parts(parameters).transformer, tokens),
    }),
    velocity: (parameters, x, t, given, softTokens) =>
      network.apply(parts(parameters).transformer, inputsOf(x, t, given, softTokens)),
    softAttention: (parameters, x, t, given, softTokens) =>
      network.softAttention(parts(parameters).transformer, inputsOf(x, t, given, softTokens)),
    hidden: (parameters, x, t, given, layer, softTokens) =>
      network.hidden(parts(parameters).transformer, inputsOf(x, t, given, softTokens), layer),
    freeze: (parameters) => ({ ...flow, parameters }),
  };
  return flow;
}
