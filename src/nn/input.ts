import type { Tensor } from "../engine/tensor.js";
import { check } from "../errors.js";

/**
 * That a network gets what it was made for: x [batch, ...shape]. Names in `shape` stand for any size.
 * @throws TangentLabError `invalid-argument` naming both shapes.
 */
export function checkInput(x: Tensor, shape: readonly (number | string)[]): void {
  const fits =
    x.rank === shape.length + 1 && shape.every((d, i) => typeof d === "string" || d === x.shape[i + 1]);
  check(fits, "x", x.shape, `[batch, ${shape.join(", ")}], what the network was made for`);
}
