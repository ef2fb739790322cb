import * as tf from "@tensorflow/tfjs-core";
import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import * as tree from "../engine/tree.js";
import { check } from "../errors.js";
import type { EncodedText, FrozenFlow } from "./contrastive.js";
import type { LoadedTokens } from "./token-file.js";

export interface GenerateConfig {
  /** One for each image. */
  captions: readonly string[];
  /** s of classifier-free guidance; 1 is the caption's velocity alone. Default 2. */
  guidance?: number;
  /** Levels from noise to data. Default 20. */
  steps?: number;
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
 * Images of captions: from noise at t = 1 to t = 0 along the guided velocity v0 + s (v - v0), where v0 is that of the empty caption.
 * @returns [captions, ...shape] flat, not clipped.
 * @throws TangentLabError `invalid-argument` for an empty list of captions and settings out of range, and what `tokenize` throws.
 */
export async function generate(flow: FrozenFlow, config: GenerateConfig): Promise<Float32Array> {
  const { captions, guidance = 2, steps = 20, solver = "euler", tokens, key, batchSize = 32 } = config;
  check(captions.length > 0, "captions", "an empty list", "one or more captions");
  check(Number.isFinite(guidance), "guidance", guidance, "a finite number");
  check.count("steps", steps);
  check(solver === "euler" || solver === "heun", "solver", solver, '"euler" or "heun"');
  check.count("batchSize", batchSize);
  const width = flow.shape.reduce((a, b) => a * b, 1);
  const size = Math.min(batchSize, captions.length);
  const step = compile(guidedStep(flow, tokens?.model, solver));
  const encode = compile((parameters: Tensor, ids: Tensor) => flow.encode(parameters, ids));
  const parameters = { flow: flow.parameters, ...(tokens && { tokens: tokens.parameters }) };
  const out = new Float32Array(captions.length * width);
  for (let from = 0; from < captions.length; from += size) {
    // The last batch is filled up, so that one compiled step serves for all.
    const own = Array.from({ length: size }, (_, i) => captions[from + i] ?? "");
    const ids = flow.tokenize([...own, ...own.map(() => "")]);
    const text = await encode(flow.parameters, ids);
    const noise = Float32Array.from(
      Array.from({ length: size }, (_, i) => [...random.normal(random.foldIn(key, from + i), width)]).flat(),
    );
    let x: Tensor = tf.tensor(noise, [size, ...flow.shape]);
    for (let i = 0; i < steps; i++) {
      const times = {
        t: tf.tensor1d([1 - i / steps]) as Tensor,
        next: tf.tensor1d([1 - (i + 1) / steps]) as Tensor,
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

/** One step of a solver, pure: text of [captions, as many empty ones]; t and next [1]. */
export function guidedStep(
  flow: FrozenFlow,
  softTokens: LoadedTokens["model"] | undefined,
  solver: "euler" | "heun" = "euler",
): (parameters: StepParameters, x: Tensor, times: StepTimes, text: EncodedText) => Tensor {
  return (parameters, x, { t, next, guidance }, text) => {
    const velocity = (x: Tensor, t: Tensor): Tensor => {
      const tokens = softTokens?.apply(parameters.tokens!, t);
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

/** Velocities with captions and with empty ones, in one evaluation: text of [captions, as many empty ones], t [1], soft tokens at t. */
function bothVelocities(
  flow: FrozenFlow,
  parameters: Tensor,
  x: Tensor,
  t: Tensor,
  text: EncodedText,
  softTokens?: readonly Tensor[],
): [Tensor, Tensor] {
  const count = 2 * x.shape[0]!;
  const v = flow.velocity(
    parameters,
    tf.concat([x, x] as tf.Tensor[], 0),
    tf.tile(t as tf.Tensor1D, [count]),
    text,
    softTokens?.map((tokens) => tf.tile(tokens as tf.Tensor3D, [count, 1, 1])),
  );
  return tf.split(v as tf.Tensor, 2, 0) as [Tensor, Tensor];
}
