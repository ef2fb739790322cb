import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/**
 * The first `dim` principal directions of rows of `width` numbers about their mean, orthonormal, [dim, width], largest variance first. Works on the
 * matrix of inner products of the rows, which is small where rows are few and long.
 */
export function principalDirections(rows: Float32Array, width: number, dim: number): Float32Array {
  const centred = Matrix.from1DArray(rows.length / width, width, rows).center("column");
  const gram = centred.mmul(centred.transpose());
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const directions = new Float32Array(dim * width);
  for (let k = 0; k < dim; k++) {
    // Eigenvalues rise.
    const column = realEigenvalues.length - 1 - k;
    const scale = 1 / Math.sqrt(Math.max(realEigenvalues[column]!, 1e-20));
    const coefficients = Matrix.rowVector(eigenvectorMatrix.getColumn(column)).mul(scale);
    directions.set(coefficients.mmul(centred).getRow(0), k * width);
  }
  return directions;
}
