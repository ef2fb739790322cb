import { type Kernels, kernels, memoryOf, panelRows } from "./kernels.js";

/** Rows of A, rows of B and depth that are multiplied at once: those of A stay in a core's cache, those of B are passed over once. */
const [blockA, blockB, blockDepth] = [128, 1024, 256];

interface Workspace {
  readonly kernels: Kernels;
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
}

let workspace: Workspace | undefined;

function create(): Workspace {
  const sizes = [blockA * blockDepth, blockB * blockDepth, blockA * blockB];
  const memory = memoryOf(8 * sizes.reduce((x, y) => x + y));
  let at = 0;
  const [a, b, c] = sizes.map((size) => {
    const view = new Float64Array(memory.buffer, 8 * at, size);
    at += size;
    return view;
  }) as [Float64Array, Float64Array, Float64Array];
  return { kernels: kernels(memory), a, b, c };
}

/**
 * Adds A Bᵀ to `out` [n, m] for A [n, width] and B [m, width], row-major, in double precision; of the product of a matrix with itself (the same array
 * twice) only the lower half. On one thread, at once, several times as fast as loops over the arrays.
 */
export function addProduct(a: Float64Array, b: Float64Array, width: number, out: Float64Array): void {
  workspace ??= create();
  const { kernels, a: packedA, b: packedB, c } = workspace;
  const [n, m] = [a.length / width, b.length / width];
  for (let k = 0; k < width; k += blockDepth) {
    const depth = Math.min(blockDepth, width - k);
    for (let j = 0; j < m; j += blockB) {
      const columns = Math.min(blockB, m - j);
      pack(b, width, j, columns, k, depth, packedB);
      const paddedColumns = roundUp(columns, 4);
      for (let i = a === b ? j - (j % blockA) : 0; i < n; i += blockA) {
        const rows = Math.min(blockA, n - i);
        pack(a, width, i, rows, k, depth, packedA);
        c.fill(0, 0, roundUp(rows, 4) * paddedColumns);
        kernels.multiply64(
          packedA.byteOffset,
          packedB.byteOffset,
          c.byteOffset,
          depth,
          roundUp(rows, 4),
          paddedColumns,
        );
        for (let r = 0; r < rows; r++) {
          const [from, to] = [r * paddedColumns, (i + r) * m + j];
          const kept = a === b ? Math.min(columns, i + r - j + 1) : columns;
          for (let s = 0; s < kept; s++) out[to + s]! += c[from + s]!;
        }
      }
    }
  }
}

export const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;

/** Rows from `first` on and their numbers from `k` on as panels, the last one filled up with zeros. */
function pack(
  matrix: Float64Array,
  width: number,
  first: number,
  rows: number,
  k: number,
  depth: number,
  out: Float64Array,
): void {
  const high = panelRows.float64;
  if (rows % high !== 0) out.fill(0, 0, roundUp(rows, high) * depth);
  for (let r = 0; r < rows; r++) {
    const from = (first + r) * width + k;
    let to = (r - (r % high)) * depth + (r % high);
    for (let d = 0; d < depth; d++, to += high) out[to] = matrix[from + d]!;
  }
}
