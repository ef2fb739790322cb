import { check } from "../../src/errors.js";
import type { Points } from "../spec.js";
import { checkPoints, rowAxes } from "../validate.js";
import { matrixShape } from "./projection.js";

/** Checks that there are at least `minimum` finite points, of at least two dimensions. */
export function checkRows(argument: string, points: Points, minimum: number): void {
  checkPoints(argument, points, rowAxes(argument, points));
  const [count, dim] = matrixShape(points);
  check(count >= minimum, `${argument}.shape[0]`, count, `at least ${minimum} points`);
  check(dim >= 2, `${argument}.shape`, points.shape, "at least two dimensions");
}
