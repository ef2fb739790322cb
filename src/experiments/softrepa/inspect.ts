import * as tf from "@tensorflow/tfjs-core";
import type { CaptionedDataset } from "../../../datasets/index.js";
import { compile } from "../../engine/compile.js";
import * as random from "../../engine/random.js";
import type { Tensor } from "../../engine/tensor.js";
import * as tree from "../../engine/tree.js";
import { arrayRecord } from "../../loop/record.js";
import { cknna, linearProbe } from "../../metrics/alignment.js";
import { tokensAt } from "../../softrepa/frozen-flow.js";
import { guidedStep } from "../../softrepa/generate.js";
import type { TextToImage } from "../../softrepa/types.js";
import { type Judges, judge, type Tokens } from "./measure.js";
import type { AlignmentRecord, AttentionRecord } from "./record.js";

/** A trained flow, frozen. */
export type FrozenModel = ReturnType<TextToImage["freeze"]>;

/** Noise level at which the network is looked into: so much noise that it must know what it looks at, and not too much to see it. */
const level = 0.4;

/** Examples at a time. */
const chunk = 16;

type Parameters = { readonly flow: Tensor; readonly tokens?: Tensor };
type Look = (parameters: Parameters, x: Tensor, t: Tensor, ids: Tensor) => Tensor;

/** What the network's middle layer knows of noisy images without their captions, and how it agrees with the dual encoder's image features. */
export async function alignment(
  flow: FrozenModel,
  tokens: Tokens,
  judges: Judges,
  count: number,
  key: random.Key,
): Promise<AlignmentRecord> {
  const { data } = judges;
  const { x, attributes, captions } = data.sample(random.foldIn(key, 0), count);
  const middle = Math.floor(flow.network.layers / 2);
  const features: Look = (parameters, x, t, ids) => {
    const text = flow.encode(parameters.flow, ids);
    return tf.mean(
      flow.hidden(parameters.flow, x, t, text, middle, softTokensAt(flow, tokens, parameters, t)),
      1,
    );
  };
  const blank = captions.map(() => "");
  const values = await look(flow, tokens, features, addNoise(x, random.foldIn(key, 1)), blank);
  const dim = values.length / count;
  const { features: reference } = await judge(x, captions, judges);
  return {
    probe: Object.fromEntries(
      Object.keys(data.attributes).map((name) => [
        name,
        linearProbe(
          { values, dim },
          attributes.map((each) => each[name]!),
        ),
      ]),
    ),
    cknna: cknna({ values, dim }, { values: reference, dim: reference.length / count }),
  };
}

/** Attention of patches to all soft tokens together, layer by layer; null without tokens. */
export async function attentionMaps(
  flow: FrozenModel,
  tokens: Tokens,
  data: CaptionedDataset,
  key: random.Key,
  count: number,
): Promise<AttentionRecord | null> {
  if (!tokens) return null;
  const { x, captions } = data.sample(key, count);
  const layers: AttentionRecord["layers"] = [];
  for (let layer = 0; layer < tokens.model.layers; layer++) {
    const attention: Look = (parameters, x, t, ids) => {
      const text = flow.encode(parameters.flow, ids);
      const maps = flow.softAttention(
        parameters.flow,
        x,
        t,
        text,
        softTokensAt(flow, tokens, parameters, t)!,
      );
      return tf.sum(maps[layer]!, 2);
    };
    const values = await look(flow, tokens, attention, addNoise(x, random.foldIn(key, 1)), captions);
    const side = Math.sqrt(values.length / count);
    layers.push(arrayRecord(values, [count, side, side, 1]));
  }
  return { captions, images: arrayRecord(x, [count, ...data.shape]), t: level, layers };
}

/** Milliseconds of one sampling step of 16 images with guidance, the median of ten. */
export async function stepTime(flow: FrozenModel, tokens: Tokens): Promise<number> {
  const step = compile(guidedStep(flow, tokens?.model));
  const parameters = parametersOf(flow, tokens);
  const captions = Array<string>(2 * chunk).fill("");
  const ids = flow.tokenize(captions);
  const text = await compile((parameters: Tensor, ids: Tensor) => flow.encode(parameters, ids))(
    flow.parameters,
    ids,
  );
  const x = tf.zeros([chunk, ...flow.shape]) as Tensor;
  const times = { t: tf.tensor1d([0.5]), next: tf.tensor1d([0.4]), guidance: tf.scalar(2) } as const;
  const taken: number[] = [];
  for (let i = 0; i < 13; i++) {
    const started = performance.now();
    const next = await step(parameters, x, times, text);
    next.dataSync();
    if (i >= 3) taken.push(performance.now() - started);
    next.dispose();
  }
  tree.dispose([ids, text, x, times]);
  return taken.sort((a, b) => a - b)[Math.floor(taken.length / 2)]!;
}

const parametersOf = (flow: FrozenModel, tokens: Tokens): Parameters => ({
  flow: flow.parameters,
  ...(tokens && { tokens: tokens.parameters }),
});

const softTokensAt = (
  flow: FrozenModel,
  tokens: Tokens,
  parameters: Parameters,
  t: Tensor,
): Tensor[] | undefined => tokens && tokensAt(flow, parameters.flow, tokens.model, parameters.tokens!, t);

/** x_t at the level that is looked at, with noise from a key. */
function addNoise(x: Float32Array, key: random.Key): Float32Array {
  const noise = random.normal(key, x.length);
  return x.map((value, i) => (1 - level) * value + level * noise[i]!);
}

/** Applies a compiled function to noisy images with their captions, chunk by chunk. */
async function look(
  flow: FrozenModel,
  tokens: Tokens,
  f: Look,
  x: Float32Array,
  captions: readonly string[],
): Promise<Float32Array> {
  const compiled = compile(f);
  const width = flow.shape.reduce((a, b) => a * b, 1);
  const size = Math.min(chunk, captions.length);
  const parts: number[] = [];
  const t = tf.fill([size], level) as Tensor;
  for (let from = 0; from < captions.length; from += size) {
    const own = captions.slice(from, from + size);
    // The last chunk is filled up, so that one compiled function serves for all.
    const values = new Float32Array(size * width);
    values.set(x.subarray(from * width, (from + own.length) * width));
    const inputs = {
      x: tf.tensor(values, [size, ...flow.shape]) as Tensor,
      ids: flow.tokenize([...own, ...Array<string>(size - own.length).fill("")]),
    };
    const result = await compiled(parametersOf(flow, tokens), inputs.x, t, inputs.ids);
    parts.push(...(result.dataSync() as Float32Array).subarray(0, (own.length * result.size) / size));
    tree.dispose([inputs, result]);
  }
  t.dispose();
  return Float32Array.from(parts);
}
