/** How the rows of a set lie in memory. */
export interface PointsConfig {
  /** Numbers per example: points are rows, images are flat. */
  dim: number;
}

/** |x_i - y_j|^2 of rows i of x and j of y. */
export function squaredDistance(x: Float32Array, i: number, y: Float32Array, j: number, dim: number): number {
  let sum = 0;
  for (let k = 0; k < dim; k++) {
    const difference = x[i * dim + k]! - y[j * dim + k]!;
    sum += difference * difference;
  }
  return sum;
}
