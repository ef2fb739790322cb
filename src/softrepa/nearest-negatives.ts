import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { checkCaptions } from "./captions.js";
import { checkFlow, type FrozenFlow } from "./frozen-flow.js";
import { cached, checkNegatives, type HardNegatives, type NegativeConfig } from "./negatives.js";

/** Captions, and which belong to the same pictures. */
export interface GroupedCaptions {
  readonly captions: readonly string[];
  /** All captions of the pictures that have this one: none of them is wrong. Default it alone. */
  captionsTogether?(label: number): readonly number[];
}

/** Options of `nearestNegatives`. */
export interface NearestConfig extends NegativeConfig {
  /** How many of the nearest captions are candidates. Default 16. */
  nearest?: number;
}

/**
 * The captions nearest to a picture's own in the cosine of their vectors, its other captions left out: for data of which only captions are known.
 * @param vectors One for each caption, as `captionVectors` gives them, all of a length; computed at the first use where a function gives them.
 * @throws TangentLabError `invalid-argument` for options out of range or vectors that do not fit.
 */
export function nearestNegatives(
  data: GroupedCaptions,
  vectors: readonly ArrayLike<number>[] | (() => readonly ArrayLike<number>[]),
  options: NearestConfig = {},
): HardNegatives {
  check.only("nearestNegatives", options, ["count", "among", "nearest"]);
  const { count, nearest = 16 } = options;
  required("data", data, "captioned data");
  const { captions } = data;
  checkCaptions("data.captions", captions);
  const isCandidate = checkNegatives(options, captions);
  check.count("nearest", nearest);
  let unit: Float64Array[] | undefined;
  const prepared = (): Float64Array[] => {
    unit ??= normalized(typeof vectors === "function" ? vectors() : vectors, captions.length);
    return unit;
  };
  if (typeof vectors !== "function") prepared();
  const find = (label: number): number[][] => {
    const all = prepared();
    const right = new Set([label, ...(data.captionsTogether?.(label) ?? [])]);
    const texts = new Set([...right].map((each) => captions[each]!));
    const found: { other: number; cosine: number }[] = [];
    for (const [other, vector] of all.entries()) {
      if (!isCandidate(other) || right.has(other) || texts.has(captions[other]!)) continue;
      const cosine = dot(all[label]!, vector);
      if (found.length === nearest && cosine <= found.at(-1)!.cosine) continue;
      const at = found.findIndex((each) => each.cosine < cosine);
      found.splice(at < 0 ? found.length : at, 0, { other, cosine });
      if (found.length > nearest) found.pop();
    }
    return [found.map(({ other }) => other)];
  };
  return { of: cached(captions, find), count, captions };
}

/**
 * A flow's own vectors of captions, its pooled text: one [pooledDim] for each, for `nearestNegatives`.
 * @throws TangentLabError `invalid-argument` for captions that are not a list of texts.
 */
export function captionVectors(
  flow: FrozenFlow,
  captions: readonly string[],
  batchSize = 64,
): Float32Array[] {
  checkFlow(flow);
  check.count("batchSize", batchSize);
  checkCaptions("captions", captions);
  const out: Float32Array[] = [];
  for (let from = 0; from < captions.length; from += batchSize) {
    tf.tidy(() => {
      const text = flow.encode(flow.parameters, flow.tokenize(captions.slice(from, from + batchSize)));
      const pooled: Tensor = text.pooled ?? Object.values(text)[0]!;
      const rows = tf.reshape(pooled, [pooled.shape[0]!, -1]);
      const [n, width] = rows.shape as [number, number];
      const values = rows.dataSync() as Float32Array;
      for (let i = 0; i < n; i++) out.push(values.slice(i * width, (i + 1) * width));
    });
  }
  return out;
}

function normalized(vectors: readonly ArrayLike<number>[], count: number): Float64Array[] {
  check(
    Array.isArray(vectors) && vectors.length === count,
    "vectors",
    `${vectors?.length} vectors`,
    `${count}, one for each caption`,
  );
  const width = vectors[0]!.length;
  return vectors.map((vector, i) => {
    check(vector.length === width, `vectors[${i}]`, `${vector.length} numbers`, `${width}, as the others`);
    const values = Float64Array.from(vector);
    const length = Math.sqrt(dot(values, values));
    check(Number.isFinite(length), `vectors[${i}]`, "numbers that are not finite", "finite numbers");
    return length > 0 ? values.map((value) => value / length) : values;
  });
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
