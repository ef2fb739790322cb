import { check, required } from "../errors.js";
import { countRows } from "../loop/data.js";
import { type PointsConfig, squaredDistance } from "./points.js";

export interface PrecisionRecallConfig extends PointsConfig {
  /** Each row's ball reaches to this nearest of the other rows of its set. Default 3. */
  neighbours?: number;
}

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
  check.count("neighbours", neighbours);
  countRows("samples", samples, dim, neighbours + 1);
  countRows("reference", reference, dim, neighbours + 1);
  return {
    precision: shareInside(samples, reference, squaredRadii(reference, dim, neighbours), dim),
    recall: shareInside(reference, samples, squaredRadii(samples, dim, neighbours), dim),
  };
}

/** Squared distance of each row to its k-th nearest other row. */
function squaredRadii(rows: Float32Array, dim: number, k: number): Float64Array {
  const count = rows.length / dim;
  // The k least distances so far of each row, ascending.
  const least = new Float64Array(count * k).fill(Number.POSITIVE_INFINITY);
  const insert = (row: number, distance: number): void => {
    let at = row * k + k - 1;
    if (distance >= least[at]!) return;
    for (; at > row * k && least[at - 1]! > distance; at--) least[at] = least[at - 1]!;
    least[at] = distance;
  };
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      const distance = squaredDistance(rows, i, rows, j, dim);
      insert(i, distance);
      insert(j, distance);
    }
  }
  return Float64Array.from({ length: count }, (_, i) => least[i * k + k - 1]!);
}

/** Share of rows that are in a ball around one of `centres`. */
function shareInside(
  rows: Float32Array,
  centres: Float32Array,
  squaredRadius: Float64Array,
  dim: number,
): number {
  const count = rows.length / dim;
  let inside = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < squaredRadius.length; j++) {
      if (squaredDistance(rows, i, centres, j, dim) <= squaredRadius[j]!) {
        inside++;
        break;
      }
    }
  }
  return inside / count;
}
