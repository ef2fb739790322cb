import * as random from "../../src/engine/random.js";

/**
 * The clean points that noisy points may have come from. Training meets a noisy point x_t = x0 + t e again and again, each time with another x0 and e: those draws
 * follow p(x0 | x_t), in proportion to exp(-|x_t - x0|^2 / (2 t^2)) over the data. `noisy` and the result are rows of 2, `times` has one t for each,
 * `pool` are examples of the data.
 */
export function drawOrigins(
  key: random.Key,
  noisy: Float32Array,
  times: ArrayLike<number>,
  pool: Float32Array,
): Float32Array {
  const shares = random.uniform(key, times.length);
  const origins = new Float32Array(noisy.length);
  const weights = new Float64Array(pool.length / 2);
  for (let i = 0; i < times.length; i++) {
    const nearest = logWeights(noisy[2 * i]!, noisy[2 * i + 1]!, times[i]!, pool, weights);
    let total = 0;
    for (let j = 0; j < weights.length; j++) total += weights[j] = Math.exp(weights[j]! - nearest);
    let left = shares[i]! * total;
    let chosen = 0;
    while (chosen < weights.length - 1 && left >= weights[chosen]!) left -= weights[chosen++]!;
    origins[2 * i] = pool[2 * chosen]!;
    origins[2 * i + 1] = pool[2 * chosen + 1]!;
  }
  return origins;
}

/** Writes the logarithms of the weights; gives the greatest. */
function logWeights(x: number, y: number, t: number, pool: Float32Array, out: Float64Array): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < out.length; j++) {
    const squared = (x - pool[2 * j]!) ** 2 + (y - pool[2 * j + 1]!) ** 2;
    out[j] = -squared / (2 * t * t);
    greatest = Math.max(greatest, out[j]!);
  }
  return greatest;
}
