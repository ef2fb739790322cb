import * as tf from "@tensorflow/tfjs-core";
import { perExample } from "../diffusion/edm.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { checkCaptionLabels } from "../loop/data.js";
import { adamw } from "../optim/adam.js";
import { type Method, method, type TrainingConfig } from "../optim/method.js";
import { checkCaptions } from "./captions.js";
import type { TextToImage } from "./types.js";

/** Times in (0, 1) whose logit is normal: SD3's (2403.03206, section 3.1). */
export interface LogitNormal {
  /** Mean of ln(t / (1 - t)); more than 0 is noisier. */
  mean: number;
  std: number;
}

/** Options of `flowMatching`. */
export interface FlowMatchingConfig extends TrainingConfig {
  flow: TextToImage;
  /** All captions; a batch's labels are indices into them. */
  captions: readonly string[];
  /** Chance that an example is trained with the empty caption, which guidance needs, in [0, 1). Default 0.1. */
  captionDropout?: number;
  /** Distribution of times. Default `{ mean: 0, std: 1 }`. */
  time?: "uniform" | LogitNormal;
}

/**
 * Rectified flow (2209.03003) of captioned images: the mean of (v((1 - t) x0 + t e, t, caption) - (e - x0))^2, with a time and a noise for each example. AdamW
 * with a decay of 1e-2 unless `optimizer` says otherwise.
 * @throws TangentLabError `invalid-argument` for settings out of range and for captions that the text encoder cannot take.
 */
export function flowMatching(config: FlowMatchingConfig): Method {
  required("config", config);
  const { flow, captions, captionDropout = 0.1, time = { mean: 0, std: 1 } } = config;
  check(typeof flow?.tokenize === "function", "flow", flow, "textToImage(network, text)");
  const { shape } = flow;
  checkCaptions("captions", captions);
  check.share("captionDropout", captionDropout);
  if (time !== "uniform") {
    required("time", time, '"uniform", or an object with mean and std');
    check(Number.isFinite(time.mean), "time.mean", time.mean, "a finite number");
    check.positive("time.std", time.std);
  }
  // All of them once: a caption that is too long is found here, not after an hour.
  const ids = flow.tokenize([...captions, ""]);
  const length = ids.shape[1]!;
  const rows = ids.dataSync().slice() as Int32Array;
  ids.dispose();
  const width = shape.reduce((a, b) => a * b, 1);
  return method({
    optimizer: adamw({ weightDecay: 1e-2 }),
    ...config,
    init: flow.init,
    fixed: fixedRanges(flow),
    batch: (key, x, _iteration, labels) => {
      const count = x.length / width;
      checkCaptionLabels(labels, count);
      const [noiseKey, timeKey, dropKey] = random.split(key, 3);
      const dropped = random.uniform(dropKey, count);
      const own = new Int32Array(count * length);
      labels.forEach((label, i) => {
        const row = dropped[i]! < captionDropout ? captions.length : label;
        own.set(rows.subarray(row * length, (row + 1) * length), i * length);
      });
      return {
        x: tf.tensor(x, [count, ...shape]) as Tensor,
        noise: tf.tensor(random.normal(noiseKey, x.length), [count, ...shape]) as Tensor,
        t: tf.tensor1d(times(timeKey, count, time)) as Tensor,
        ids: tf.tensor2d(own, [count, length], "int32") as Tensor,
      };
    },
    loss: (_parameters, { x, noise, t, ids }) => {
      const level = perExample(t, x);
      const noisy = tf.add(tf.mul(x, tf.sub(1, level)), tf.mul(noise, level));
      const target = tf.sub(noise, x);
      return (parameters) => {
        const v = flow.velocity(parameters, noisy, t, flow.encode(parameters, ids));
        return { loss: tf.mean(tf.square(tf.sub(v, target))), aux: {} };
      };
    },
  });
}

/** Where a flow's fixed parameters are among all: [begin, end) each. */
export function fixedRanges({
  structure,
  fixed = [],
}: Pick<TextToImage, "structure" | "fixed">): [number, number][] {
  let end = 0;
  return structure.names.flatMap((name, i): [number, number][] => {
    const begin = end;
    end += structure.shapes[i]!.reduce((a, b) => a * b, 1);
    return fixed.includes(name) ? [[begin, end]] : [];
  });
}

const times = (key: random.Key, count: number, time: "uniform" | LogitNormal): Float32Array =>
  time === "uniform"
    ? random.uniform(key, count)
    : random.normal(key, count).map((z) => 1 / (1 + Math.exp(-(time.mean + time.std * z))));
