import * as random from "../src/engine/random.js";
import { displayedDataset } from "../src/engine/self-display.js";
import { check } from "../src/errors.js";
import { fingerprintOf, once } from "../src/io/fingerprint.js";
import type { Batch, Dataset } from "./dataset.js";
import { type Factor, factorManifold } from "./factor-manifold.js";
import { firstDraws } from "./generated.js";
import { fromPointwise, type Vector } from "./manifold.js";

/** Images drawn with the numbers that each is made from. */
export interface FactorBatch extends Batch {
  /** What each example is made from, [count, factors]. */
  factors: Float32Array;
}

/** Images made from a few numbers, smoothly: so their manifold is known, and the examples' place on it. */
export interface FactorDataset extends Dataset {
  readonly factors: readonly Factor[];
  readonly manifold: NonNullable<Dataset["manifold"]>;
  sample(key: random.Key, count: number): FactorBatch;
  /** The images [count, ...shape] made from [count, factors]. */
  render(factors: Float32Array): Float32Array;
}

/** What such a dataset is made from. */
export interface FactorSource {
  name: string;
  /** [height, width, channels] */
  shape: readonly number[];
  factors: readonly Factor[];
  /** An image's values in [-1, 1]; smooth in the factors. */
  render(values: Vector): Float64Array;
}

/** Images of factors drawn evenly from their ranges. */
export function factorImages({ name, shape, factors, render }: FactorSource): FactorDataset {
  const width = shape.reduce((a, b) => a * b, 1);
  const dim = factors.length;
  const renderAll = (values: Float32Array): Float32Array => {
    check(values.length % dim === 0, "factors", `${values.length} values`, `[count, ${dim}]`);
    const out = new Float32Array((values.length / dim) * width);
    for (let i = 0; i < values.length / dim; i++)
      out.set(render(Array.from(values.subarray(i * dim, (i + 1) * dim))), i * width);
    return out;
  };
  const sample = (key: random.Key, count: number): FactorBatch => {
    const drawn = random.uniform(key, count * dim).map((u, i) => {
      const { min, max } = factors[i % dim]!;
      return min + u * (max - min);
    });
    return { x: renderAll(drawn), factors: drawn };
  };
  return displayedDataset<FactorDataset>({
    name,
    shape,
    size: Number.POSITIVE_INFINITY,
    factors,
    render: renderAll,
    sample,
    fingerprint: once(() => fingerprintOf([{ shape, factors }, ...firstDraws(sample, 100)])),
    manifold: fromPointwise({ ambientDim: width, dim, ...factorManifold(factors, render) }),
  });
}
