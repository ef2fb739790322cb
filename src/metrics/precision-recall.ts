import { check, required } from "../errors.js";
import { countRows } from "../loop/data.js";
import type { PointsConfig } from "./pairs.js";
import { eachSquaredDistance, eachSquaredDistanceWithin, meanRow } from "./pairs.js";

/** Options of `precisionRecall`. */
export interface PrecisionRecallConfig extends PointsConfig {
  /** Each row's ball reaches to this nearest of the other rows of its set. Default 3. */
  neighbours?: number;
}

/** Two shares in [0, 1]: of samples that lie among the data, and of data that lie among the samples. */
export interface PrecisionRecall {
  /** Share of samples that lie in a ball of the reference: how real they are. */
  readonly precision: number;
  /** Share of the reference that lies in a ball of the samples: how much of it they cover. */
  readonly recall: number;
}

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019): the space that a set fills is the union of the balls around its rows. Both in [0, 1]; they depend
 * on the number of rows. Rows of `dim` numbers, more than `neighbours` in each set.
 * @throws TangentLabError `invalid-argument` for too few, ragged or non-finite rows.
 */
export function precisionRecall(
  samples: Float32Array,
  reference: Float32Array,
  config: PrecisionRecallConfig,
): PrecisionRecall {
  const { dim, neighbours = 3 } = required("config", config, "an object with dim");
  check.only("precisionRecall", config, ["dim", "neighbours"]);
  check.count("neighbours", neighbours);
  countRows("samples", samples, dim, neighbours + 1);
  countRows("reference", reference, dim, neighbours + 1);
  // One origin for all distances: those of equal rows are then equal, and a row on the edge of a ball is in it.
  const origin = meanRow(reference, dim);
  const ofReference = squaredRadii(reference, dim, neighbours, origin);
  const ofSamples = squaredRadii(samples, dim, neighbours, origin);
  const real = new Uint8Array(ofSamples.length);
  const covered = new Uint8Array(ofReference.length);
  eachSquaredDistance(samples, reference, dim, origin, (i, j, squared) => {
    if (squared <= ofReference[j]!) real[i] = 1;
    if (squared <= ofSamples[i]!) covered[j] = 1;
  });
  return { precision: share(real), recall: share(covered) };
}

const share = (marks: Uint8Array): number => marks.reduce((sum, mark) => sum + mark, 0) / marks.length;

/** Squared distance of each row to its k-th nearest other row. */
function squaredRadii(rows: Float32Array, dim: number, k: number, origin: Float64Array): Float64Array {
  const count = rows.length / dim;
  // The k least distances so far of each row, ascending.
  const least = new Float64Array(count * k).fill(Number.POSITIVE_INFINITY);
  const insert = (row: number, distance: number): void => {
    let at = row * k + k - 1;
    if (distance >= least[at]!) return;
    for (; at > row * k && least[at - 1]! > distance; at--) least[at] = least[at - 1]!;
    least[at] = distance;
  };
  eachSquaredDistanceWithin(rows, dim, origin, (i, j, distance) => {
    insert(i, distance);
    insert(j, distance);
  });
  return Float64Array.from({ length: count }, (_, i) => least[i * k + k - 1]!);
}
