import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check, required } from "../errors.js";
import { checkCaptions, negativeCaptions } from "./captions.js";
import {
  checkFlow,
  checkKey,
  checkSoft,
  type EncodedText,
  type FrozenFlow,
  tokensAt,
} from "./frozen-flow.js";
import { checkImages } from "./image-size.js";
import { flowLevels, type LevelsConfig, levelOptions } from "./levels.js";
import type { LoadedTokens } from "./token-file.js";

/** Options of `generate`. */
export interface GenerateConfig extends LevelsConfig {
  /** One for each image. */
  captions: readonly string[];
  /** s of classifier-free guidance; 1 is the caption's velocity alone. Default 2. */
  guidance?: number;
  /** What guidance leads away from: one caption for all images, or one for each. Default the empty caption. */
  negativePrompt?: string | readonly string[];
  /** [height, width] of the images, where the network takes others than its own. */
  size?: readonly [height: number, width: number];
  /** Default "euler". "heun" evaluates twice a step. */
  solver?: "euler" | "heun";
  /** Soft tokens, with and without caption. Default none. */
  tokens?: Pick<LoadedTokens, "model" | "parameters"> | undefined;
  /** The same key gives the same noise. */
  key: random.Key;
  /** Images at a time. Default 32. */
  batchSize?: number;
}

/**
 * Images of captions: from noise at t = 1 to t = 0 along the guided velocity v0 + s (v - v0), where v0 is that of the empty caption or of `negativePrompt`.
 * @returns [captions, ...shape] flat, or of `size`; not clipped.
 * @throws TangentLabError `invalid-argument` for an empty list of captions, settings out of range and soft tokens that do not fit, and what `tokenize` throws.
 */
export async function generate(flow: FrozenFlow, config: GenerateConfig): Promise<Float32Array> {
  required("config", config, "an object with captions and key");
  const { key } = config;
  check.only("generate", config, [
    ...["captions", "guidance", "negativePrompt", "size", "solver", "tokens", "key", "batchSize"],
    ...levelOptions,
  ]);
  checkKey(key);
  return generateWith(flow, config, (image, width) => random.normal(random.foldIn(key, image), width));
}

/** `generate` with the noise that each image starts from: of image 0, 1, ..., `width` numbers. */
export async function generateWith(
  flow: FrozenFlow,
  config: Omit<GenerateConfig, "key">,
  noiseOf: (image: number, width: number) => Float32Array,
): Promise<Float32Array> {
  const { captions, guidance = 2, solver = "euler", tokens, batchSize = 32, size: sides } = config;
  checkFlow(flow);
  checkCaptions("captions", captions);
  const negatives = negativeCaptions(config.negativePrompt, captions.length);
  check(Number.isFinite(guidance), "guidance", guidance, "a finite number");
  const levels = flowLevels(config);
  const areSides = sides === undefined || (Array.isArray(sides) && sides.length === 2);
  check(areSides, "size", sides, "[height, width]");
  const shape = sides ? [...sides, ...flow.shape.slice(2)] : flow.shape;
  checkImages("size", [1, ...shape], flow);
  check(solver === "euler" || solver === "heun", "solver", solver, '"euler" or "heun"');
  check.count("batchSize", batchSize);
  checkSoft(flow, tokens);
  const width = shape.reduce((a, b) => a * b, 1);
  const size = Math.min(batchSize, captions.length);
  // The caption's velocity alone, in half of the time.
  const guided = guidance !== 1;
  const step = compile(guidedStep(flow, tokens?.model, solver, guided));
  const encode = compile((parameters: Tensor, ids: Tensor) => flow.encode(parameters, ids));
  const parameters = { flow: flow.parameters, ...(tokens && { tokens: tokens.parameters }) };
  const out = new Float32Array(captions.length * width);
  for (let from = 0; from < captions.length; from += size) {
    // The last batch is filled up, so that one compiled step serves for all.
    const filled = (list: readonly string[]): string[] =>
      Array.from({ length: size }, (_, i) => list[from + i] ?? "");
    const ids = flow.tokenize([...filled(captions), ...(guided ? filled(negatives) : [])]);
    const text = await encode(flow.parameters, ids);
    const noise = new Float32Array(size * width);
    for (let i = 0; i < size; i++) noise.set(noiseOf(from + i, width), i * width);
    let x: Tensor = tf.tensor(noise, [size, ...shape]);
    for (const [i, t] of levels.slice(0, -1).entries()) {
      const times = {
        t: tf.tensor1d([t]) as Tensor,
        next: tf.tensor1d([levels[i + 1]!]) as Tensor,
        guidance: tf.scalar(guidance) as Tensor,
      };
      const next = await step(parameters, x, times, text);
      tree.dispose([times, x]);
      x = next;
    }
    const values = x.dataSync() as Float32Array;
    out.set(values.subarray(0, Math.min(size, captions.length - from) * width), from * width);
    tree.dispose([ids, text, x]);
  }
  return out;
}

type StepParameters = { readonly flow: Tensor; readonly tokens?: Tensor };
type StepTimes = { readonly t: Tensor; readonly next: Tensor; readonly guidance: Tensor };

/** One step of a solver, pure: text of [captions, as many negative ones], of captions alone where it is not `guided`; t and next [1]. */
export function guidedStep(
  flow: FrozenFlow,
  softTokens: LoadedTokens["model"] | undefined,
  solver: "euler" | "heun" = "euler",
  guided = true,
): (parameters: StepParameters, x: Tensor, times: StepTimes, text: EncodedText) => Tensor {
  return (parameters, x, { t, next, guidance }, text) => {
    const velocity = (x: Tensor, t: Tensor): Tensor => {
      const tokens = softTokens && tokensAt(flow, parameters.flow, softTokens, parameters.tokens!, t);
      if (!guided) return velocityAt(flow, parameters.flow, x, t, text, tokens);
      const [v, v0] = bothVelocities(flow, parameters.flow, x, t, text, tokens);
      return tf.add(v0, tf.mul(tf.sub(v, v0), guidance));
    };
    const step = tf.sub(next, t);
    const v = velocity(x, t);
    const end = tf.add(x, tf.mul(v, step));
    if (solver === "euler") return end;
    return tf.add(x, tf.mul(tf.add(v, velocity(end, next)), tf.div(step, 2)));
  };
}

/** Velocities with captions and with negative ones, in one evaluation: text of [captions, as many negative ones], t [1], soft tokens at t. */
function bothVelocities(
  flow: FrozenFlow,
  parameters: Tensor,
  x: Tensor,
  t: Tensor,
  text: EncodedText,
  softTokens?: readonly Tensor[],
): [Tensor, Tensor] {
  const v = velocityAt(flow, parameters, tf.concat([x, x] as tf.Tensor[], 0), t, text, softTokens);
  return tf.split(v as tf.Tensor, 2, 0) as [Tensor, Tensor];
}

/** Velocities at one time for all: t [1], soft tokens at t. */
function velocityAt(
  flow: FrozenFlow,
  parameters: Tensor,
  x: Tensor,
  t: Tensor,
  text: EncodedText,
  softTokens?: readonly Tensor[],
): Tensor {
  const count = x.shape[0]!;
  return flow.velocity(
    parameters,
    x,
    tf.tile(t as tf.Tensor1D, [count]),
    text,
    softTokens?.map((tokens) => tf.tile(tokens as tf.Tensor3D, [count, 1, 1])),
  );
}
