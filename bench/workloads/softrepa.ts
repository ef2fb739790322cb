import * as tf from "@tensorflow/tfjs-core";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import * as tree from "../../src/engine/tree.js";
import { flatten } from "../../src/nn/index.js";
import { guidedStep } from "../../src/softrepa/generate.js";
import { contrastive, type FrozenFlow, jointTransformer, softTokens } from "../../src/softrepa/index.js";
import type { VelocityInputs } from "../../src/softrepa/types.js";
import { decay, key, learningRate, millions, start, training, type Workload } from "./workload.js";

const size = 16;
const channels = 3;
const length = 12;
const [textDim, pooledDim] = [64, 64];
const [layers, heads, headDim] = [6, 4, 32];
const width = heads * headDim;
/** A random network's errors are large: at the published 0.07 its gradients would vanish, and arithmetic with vanishing numbers is slow. */
const temperature = 2;

/** SD3's transformer at this size with random weights, and captions as fixed random embeddings. */
function frozen(captions: number) {
  const network = flatten(jointTransformer({ size, channels, textDim, pooledDim, layers, heads, headDim }));
  const parameters = tf.keep(start(network, 0.03)() as tf.Tensor);
  const drawn = (n: number, shape: number[]): Tensor =>
    tf.keep(
      tf.tensor(
        random.normal(
          random.foldIn(key, n),
          shape.reduce((a, b) => a * b, 1),
        ),
        shape,
      ),
    );
  const text = { tokens: drawn(20, [captions, length, textDim]), pooled: drawn(21, [captions, pooledDim]) };
  const flow: FrozenFlow = {
    shape: [size, size, channels],
    parameters,
    tokenize: (texts) => tf.range(0, texts.length, 1, "int32") as Tensor,
    encode: () => text,
    velocity: (parameters, x, t, text, softTokens) =>
      network.apply(parameters, { x, t, text, softTokens } as VelocityInputs),
  };
  const tokens = softTokens({ dim: width });
  const tensors = (): { [name: string]: tree.Tree } => ({
    flow: network.structure.unravel(parameters),
    text,
  });
  const config = {
    size,
    channels,
    text_dim: textDim,
    pooled_dim: pooledDim,
    layers,
    heads,
    head_dim: headDim,
  };
  return { network, flow, tokens, text, tensors, config };
}

/** Contrastive training of soft tokens: all pairs of a batch's images and captions. */
export function contrastiveStep(): Workload {
  const count = 8;
  const { network, flow, tokens, tensors, config } = frozen(count);
  return training({
    name: "contrastive",
    title: `SoftREPA: contrastive step, ${count} captions x ${count} images 16x16x3, transformer of ${millions(network.structure)} M parameters, width ${width}, ${layers} layers, AdamW`,
    structure: tokens.structure,
    start: start(tokens),
    x: random.normal(key, count * size * size * channels),
    labels: Int32Array.from({ length: count }, (_, i) => i),
    method: contrastive({
      flow,
      tokens,
      captions: Array.from({ length: count }, (_, i) => `${i}`),
      temperature,
      learningRate,
      ema: decay,
    }),
    peer: {
      case: "contrastive",
      config: {
        transformer: config,
        temperature,
        scale: 4,
        optimizer: "adamw",
        weight_decay: 1e-4,
        learning_rate: learningRate,
        ema: decay,
      },
      frozen: tensors,
    },
  });
}

/** One of the Euler steps with guidance that 16 images are made by, soft tokens included. */
export function samplingStep(): Workload {
  const count = 16;
  const { network, flow, tokens, text, tensors, config } = frozen(2 * count);
  const trained = tf.keep(start(tokens)() as tf.Tensor);
  const guided = guidedStep(flow, tokens);
  const scalars = { t: [0.5], next: [0.45], guidance: 2 };
  return {
    name: "sampling",
    title: `SoftREPA: one Euler step of sampling with guidance and soft tokens, ${count} images 16x16x3, transformer of ${millions(network.structure)} M parameters`,
    step: (state, batch) => {
      const { x, ...frozen } = state as unknown as Record<"x" | "flow" | "tokens", Tensor> & {
        text: { [name: string]: Tensor };
      };
      const { times } = batch as unknown as { times: Record<"t" | "next" | "guidance", Tensor> };
      const { flow, tokens, text } = frozen;
      const next = guided({ flow, tokens }, x, times, text);
      return {
        state: { x: next, ...tree.map((leaf) => tf.clone(leaf), frozen) },
        metrics: { loss: tf.mean(tf.square(next)) },
      };
    },
    state: () => ({
      x: tf.tensor(random.normal(key, count * size * size * channels), [count, size, size, channels]),
      flow: tf.clone(flow.parameters as tf.Tensor),
      tokens: tf.clone(trained),
      text: { tokens: tf.clone(text.tokens as tf.Tensor), pooled: tf.clone(text.pooled as tf.Tensor) },
    }),
    batch: () => ({
      times: {
        t: tf.tensor1d(scalars.t),
        next: tf.tensor1d(scalars.next),
        guidance: tf.scalar(scalars.guidance),
      },
    }),
    parameters: 0,
    peer: {
      case: "sampling",
      config: { transformer: config, t: 0.5, next: 0.45, guidance: 2, soft_layers: tokens.layers },
      tensors: () => ({
        ...tensors(),
        tokens: tokens.structure.unravel(trained),
        x: tf.tensor(random.normal(key, count * size * size * channels), [count, size, size, channels]),
      }),
    },
  };
}
