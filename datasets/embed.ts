import * as random from "../src/engine/random.js";
import { displayedDataset } from "../src/engine/self-display.js";
import { check } from "../src/errors.js";
import { fingerprintOf, once } from "../src/io/fingerprint.js";
import type { Dataset, Manifold } from "./dataset.js";
import { orthonormal } from "./manifold.js";

/**
 * The same points in more dimensions: x -> Q x with Q [dim, d] of random orthonormal columns. Distances stay, and so the
 * manifold's nearest points and tangent spaces are as exact as before; a coordinate's deviation shrinks by sqrt(d / dim).
 * @param dim at least that of the dataset, at most 4096.
 * @param seed of the frame Q.
 * @throws TangentLabError `invalid-argument` for a dimension below the dataset's or above 4096.
 */
export function embed(dataset: Dataset, dim: number, seed = 0): Dataset {
  check(Array.isArray(dataset?.shape), "dataset", dataset, "a dataset: await what loads it first");
  check(dataset.shape.length === 1, "dataset.shape", dataset.shape, "points, shape [dim]");
  const small = dataset.shape[0]!;
  check(
    Number.isInteger(dim) && dim >= small && dim <= 4096,
    "dim",
    dim,
    `an integer from ${small} (the dimension of ${dataset.name}) to 4096`,
  );
  const frame = orthonormalFrame(random.key(seed), dim, small);
  const up = (x: Float32Array): Float32Array => timesFrame(x, frame, small, dim);
  const down = (x: Float32Array): Float32Array => timesFrame(x, transposed(frame), dim, small);
  const { manifold, examples, fingerprint, ...rest } = dataset;
  return displayedDataset<Dataset>({
    ...rest,
    name: `${dataset.name}-${dim}d`,
    shape: [dim],
    sample: (key, count) => {
      const batch = dataset.sample(key, count);
      return { ...batch, x: up(batch.x) };
    },
    ...(fingerprint && {
      fingerprint: once(async () => fingerprintOf([await fingerprint(), { dim, seed }])),
    }),
    ...(examples && { examples: (indices) => up(examples(indices)) }),
    ...(manifold && { manifold: embedManifold(manifold, dim, up, down) }),
  });
}

type LinearMap = (x: Float32Array) => Float32Array;

/** What sticks out of Q's range is the same distance from every point of the manifold: it does not decide which is nearest. */
const embedManifold = (manifold: Manifold, ambientDim: number, up: LinearMap, down: LinearMap): Manifold => ({
  ambientDim,
  dim: manifold.dim,
  project: (points) => {
    checkWidth("points", points, ambientDim);
    return up(manifold.project(down(points)));
  },
  tangentBasis: (points) => {
    checkWidth("pointsOnManifold", points, ambientDim);
    return up(manifold.tangentBasis(down(points)));
  },
});

function checkWidth(argument: string, points: Float32Array, width: number): void {
  check(
    points.length % width === 0,
    argument,
    `${points.length} values`,
    `[n, ${width}], a multiple of ${width} values`,
  );
}

/** `count` random orthonormal rows of length `dim`. */
function orthonormalFrame(key: random.Key, dim: number, count: number): Float64Array[] {
  const draws = random.normal(key, count * dim);
  const rows = Array.from({ length: count }, (_, i) => Array.from(draws.subarray(i * dim, (i + 1) * dim)));
  return orthonormal(rows).map((row) => Float64Array.from(row));
}

const transposed = (rows: readonly Float64Array[]): Float64Array[] =>
  Array.from(rows[0]!, (_, k) => Float64Array.from(rows, (row) => row[k]!));

/** Each of [n, from] points times `frame` [from, to]. */
function timesFrame(x: Float32Array, frame: readonly Float64Array[], from: number, to: number): Float32Array {
  const n = x.length / from;
  const out = new Float32Array(n * to);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < to; j++) {
      let sum = 0;
      for (let k = 0; k < from; k++) sum += x[i * from + k]! * frame[k]![j]!;
      out[i * to + j] = sum;
    }
  }
  return out;
}
