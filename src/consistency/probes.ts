import type { Denoiser } from "../diffusion/edm.js";
import { compile } from "../engine/compile.js";
import * as random from "../engine/random.js";
import * as tree from "../engine/tree.js";
import { check, required } from "../errors.js";
import { checkData, draw, exampleSize, type TrainingData } from "../loop/data.js";
import { arrayRecord, type ProbeSetRecord, type RunRecord } from "../loop/record.js";
import type { Observer } from "../loop/train.js";
import { directionCosine, splitAtManifold, splitByNeighbours } from "../manifold/split.js";
import { distancesToData, distancesToManifold } from "../metrics/manifold-distance.js";
import type { TrainState } from "../optim/method.js";
import type { Loss } from "./losses.js";
import { drawProbes, tangents } from "./tangents.js";
import type { PairSchedule } from "./times.js";

/** What `tangentProbes` looks at. */
export interface ProbesConfig {
  data: TrainingData;
  denoiser: Denoiser;
  loss: Loss;
  pairs: PairSchedule;
  /** The iteration whose pairs (t, r) the probes have. */
  iteration: number;
  /** Steps between two recordings. */
  every: number;
  /** Noise levels; each example is probed at each. */
  times: readonly number[];
  /** Examples that are probed. */
  examples: number;
  seed: number;
  /** Probes have the examples' classes, out of so many, where the network has classes. */
  classes?: number | undefined;
  /** Examples from which tangent spaces are estimated where the manifold is not known. Default 2000. */
  neighbourhood?: number;
  /** Dimension of the estimated tangent spaces. Default 8, or half of the data's where that is less: all directions would be parallel to a space as large as the data's. */
  estimatedDim?: number;
}

/** An observer that needs no training: a look at any model will do. */
export interface TangentProbes extends Observer {
  readonly probeSet: ProbeSetRecord;
  observe(
    state: Pick<TrainState, "parameters" | "context">,
    record: Pick<RunRecord, "probes">,
  ): ReturnType<Observer["observe"]>;
}

/**
 * Records the tangents of the model in training at fixed probes (x0, noise, t): the share of each that is parallel to the data's manifold, and how it turns
 * from one recording to the next.
 * @throws TangentLabError `invalid-argument` for options out of range.
 */
export function tangentProbes(config: ProbesConfig): TangentProbes {
  required(
    "config",
    config,
    "an object with data, denoiser, loss, pairs, iteration, every, times, examples and seed",
  );
  const { data, denoiser, loss, every, examples, seed, neighbourhood = 2000 } = config;
  checkData(data);
  const { estimatedDim = Math.min(8, Math.ceil(exampleSize(config.data) / 2)) } = config;
  check.only("tangentProbes", config, [
    ...["data", "denoiser", "loss", "pairs", "iteration", "every", "times", "examples", "seed", "classes"],
    ...["neighbourhood", "estimatedDim"],
  ]);
  for (const [name, value] of Object.entries({ every, examples, neighbourhood, estimatedDim }))
    check.count(name, value);
  check.count("iteration", config.iteration, 0);
  check.callable("pairs", config.pairs, "ectPairs(...) or the like");
  if (config.classes !== undefined) check.count("classes", config.classes);
  check(
    Array.isArray(config.times) &&
      config.times.length > 0 &&
      config.times.every((t) => t > 0 && Number.isFinite(t)),
    "times",
    config.times,
    "one or more finite numbers > 0",
  );
  const { manifold, shape } = data;
  const dim = exampleSize(data);
  const keys = random.split(random.foldIn(random.key(seed), 3), 3);
  const { x: chosen, labels: given } = draw(data, keys[0], examples);
  const times = Array.from({ length: examples }, () => config.times).flat();
  const x = new Float32Array(times.length * dim);
  times.forEach((_, i) => {
    const example = Math.floor(i / config.times.length);
    x.set(chosen.subarray(example * dim, (example + 1) * dim), i * dim);
  });
  const labels = given && Int32Array.from(times, (_, i) => given[Math.floor(i / config.times.length)]!);
  /** Made again for each recording, so that no tensor stays behind when the run is over. */
  const draws = () => drawProbes(keys[1], { ...config, x, shape, times, labels });
  const drawn = shape.length === 1 ? 400 : 100;
  const neighbours = manifold ? new Float32Array(0) : distinct(draw(data, keys[2], neighbourhood).x, dim);
  // A handful of examples has fewer neighbours, and these span fewer dimensions.
  const near = Math.min(32, neighbours.length / dim);
  const localDim = Math.min(estimatedDim, near - 1, dim);
  const compiled = compile(tangents(denoiser, loss));
  const probeShape = [times.length, ...shape];
  const first = draws();
  const noise = first.noise.dataSync().slice();
  tree.dispose(first);
  const noisy = x.map((value, i) => value + times[Math.floor(i / dim)]! * noise[i]!);

  return {
    every,
    probeSet: {
      times,
      clean: arrayRecord(x, probeShape),
      noisy: arrayRecord(noisy, probeShape),
      data: arrayRecord(draw(data, random.foldIn(keys[2], 1), drawn).x, [drawn, ...shape]),
      tangentSpace: manifold ? "exact" : "local-pca",
      chance: (manifold?.dim ?? localDim) / dim,
    },
    observe: async (state, record) => {
      const probes = draws();
      const result = await compiled(state.parameters, state.context, probes);
      tree.dispose(probes);
      const output = result.output.dataSync().slice() as Float32Array;
      const tangent = unitRows(result.tangent.dataSync() as Float32Array, dim);
      tree.dispose(result);
      const { perProbe } = manifold
        ? splitAtManifold(tangent, output, manifold)
        : splitByNeighbours(tangent, output, neighbours, {
            ambientDim: dim,
            neighbours: near,
            dim: localDim,
          });
      const previous = record.probes.at(-1);
      const distance = manifold
        ? distancesToManifold(output, manifold)
        : distancesToData(output, neighbours, dim);
      const cosine =
        previous && directionCosine(Float32Array.from(previous.tangents.values), tangent, dim).perProbe;
      return {
        probes: {
          outputs: arrayRecord(output, probeShape),
          tangents: arrayRecord(tangent, probeShape),
          parallel: Array.from(perProbe),
          normal: Array.from(perProbe, (share) => 1 - share),
          cosine: cosine ? Array.from(cosine) : null,
          distance: Array.from(distance),
        },
      };
    },
  };
}

/**
 * Each row once, in the order of the first of its kind: a small set's draws repeat its examples, and copies of one span nothing. All rows where fewer than three differ.
 */
function distinct(rows: Float32Array, dim: number): Float32Array {
  const bits = new Uint32Array(rows.buffer, rows.byteOffset, rows.length);
  /** Where the rows with the same hash begin. */
  const seen = new Map<number, number[]>();
  const kept: number[] = [];
  for (let i = 0; i < rows.length; i += dim) {
    let hash = 0x811c9dc5; // FNV-1a
    for (let j = 0; j < dim; j++) hash = Math.imul(hash ^ bits[i + j]!, 0x01000193);
    const alike = seen.get(hash) ?? [];
    const isKnown = alike.some((k) => bits.subarray(k, k + dim).every((value, j) => value === bits[i + j]));
    if (isKnown) continue;
    seen.set(hash, [...alike, i]);
    kept.push(i);
  }
  if (kept.length < 3 || kept.length * dim === rows.length) return rows;
  const out = new Float32Array(kept.length * dim);
  for (const [to, from] of kept.entries()) out.set(rows.subarray(from, from + dim), to * dim);
  return out;
}

/** Rows scaled to norm 1; zero rows stay. */
function unitRows(rows: Float32Array, dim: number): Float32Array {
  const out = rows.slice();
  for (let i = 0; i < rows.length; i += dim) {
    const row = out.subarray(i, i + dim);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)) || 1;
    for (let j = 0; j < dim; j++) row[j]! /= norm;
  }
  return out;
}
