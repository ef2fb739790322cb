/**
 * The first `dim` principal directions of rows of `width` numbers about their mean, orthonormal, [dim, width]. Works on the matrix of inner products of
 * the rows, by Jacobi rotations, which is small where rows are few and long.
 */
export function principalDirections(rows: Float32Array, width: number, dim: number): Float32Array {
  const count = rows.length / width;
  const centred = centre(rows, width);
  const gram = Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length: count }, (_, j) => dotRows(centred, i, j, width)),
  );
  const { values, vectors } = symmetricEigen(gram);
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
  const directions = new Float32Array(dim * width);
  for (let k = 0; k < dim; k++) {
    const direction = directions.subarray(k * width, (k + 1) * width);
    const column = order[k]!;
    const scale = 1 / Math.sqrt(Math.max(values[column]!, 1e-20));
    for (let i = 0; i < count; i++) {
      const coefficient = vectors[i]![column]! * scale;
      for (let j = 0; j < width; j++) direction[j]! += coefficient * centred[i * width + j]!;
    }
  }
  return directions;
}

function centre(rows: Float32Array, width: number): Float64Array {
  const count = rows.length / width;
  const mean = new Float64Array(width);
  rows.forEach((value, i) => {
    mean[i % width]! += value / count;
  });
  return Float64Array.from(rows, (value, i) => value - mean[i % width]!);
}

function dotRows(rows: Float64Array, i: number, j: number, width: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += rows[i * width + k]! * rows[j * width + k]!;
  return sum;
}

/** Eigenvalues and eigenvectors (columns) of a symmetric matrix, by cyclic Jacobi rotations; the matrix is overwritten. */
function symmetricEigen(a: Float64Array[]): { values: number[]; vectors: Float64Array[] } {
  const n = a.length;
  const vectors = a.map((_, i) => Float64Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
  const trace = a.reduce((sum, row, i) => sum + Math.abs(row[i]!), 0);
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += Math.abs(a[p]![q]!);
    if (off <= 1e-12 * trace) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p]![q] === 0) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) rotate(a[k]!, p, q, c, s);
        rotateRows(a, p, q, c, s);
        for (let k = 0; k < n; k++) rotate(vectors[k]!, p, q, c, s);
      }
    }
  }
  return { values: a.map((row, i) => row[i]!), vectors };
}

function rotate(row: Float64Array, p: number, q: number, c: number, s: number): void {
  const [x, y] = [row[p]!, row[q]!];
  row[p] = c * x - s * y;
  row[q] = s * x + c * y;
}

function rotateRows(a: Float64Array[], p: number, q: number, c: number, s: number): void {
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [a[p]![k]!, a[q]![k]!];
    a[p]![k] = c * x - s * y;
    a[q]![k] = s * x + c * y;
  }
}
