import { check, required } from "../src/errors.js";
import type { Points } from "./spec.js";

export const checkList = (argument: string, items: readonly unknown[]): void =>
  check(Array.isArray(items) && items.length > 0, argument, items, "a list with at least one entry");

/** Checks that every item has its own, non-empty name, so that legends are unambiguous. */
export function checkNames(argument: string, items: readonly { name: string }[]): void {
  checkList(argument, items);
  const names = items.map((item, i) => required(`${argument}[${i}]`, item).name);
  check(
    names.every((name) => typeof name === "string" && name.trim() !== ""),
    `${argument}[].name`,
    names,
    "a text that is not empty",
  );
  check(new Set(names).size === names.length, `${argument}[].name`, names, "names that differ");
}

/** The same of rows by their labels. */
export function checkLabels(argument: string, rows: readonly { label: string }[]): void {
  checkList(argument, rows);
  checkNames(
    argument,
    rows.map((row, i) => ({ name: required(`${argument}[${i}]`, row).label })),
  );
}

const pointsText = "an object with shape and values";

/** Names of the axes of rows that may have up to four, such as pictures, for `checkPoints`. */
export function rowAxes(argument: string, points: Points): string[] {
  const { shape } = required(argument, points, pointsText);
  required(`${argument}.shape`, shape, "a list of sizes");
  return ["count", "dim", "width", "channels"].slice(0, Math.max(2, shape.length));
}

/** The same of points, or of pictures where there are more than two axes. */
export const pointOrImageAxes = (argument: string, points: Points): string[] =>
  rowAxes(argument, points).length > 2 ? ["count", "height", "width", "channels"] : ["count", "dim"];

/** Checks the shape against the values and that all values are finite; `axes` says what the shape must mean. */
export function checkPoints(argument: string, points: Points, axes: readonly string[]): void {
  const { shape, values } = required(argument, points, pointsText);
  required(`${argument}.values`, values, "a typed array or a list of numbers");
  const isShape =
    Array.isArray(shape) &&
    shape.length === axes.length &&
    shape.every((size) => Number.isInteger(size) && size > 0);
  check(isShape, `${argument}.shape`, shape, `[${axes.join(", ")}], all at least 1`);
  const size = shape.reduce((a, b) => a * b, 1);
  check(
    values.length === size,
    `${argument}.values`,
    `${values.length} values`,
    `${size} values, the product of the shape`,
  );
  for (let i = 0; i < values.length; i++) {
    check(Number.isFinite(values[i]), `${argument}.values[${i}]`, values[i], "finite numbers");
  }
}

export function checkLength(argument: string, values: ArrayLike<unknown>, length: number): void {
  required(argument, values, "a list");
  check(values.length === length, argument, `${values.length} values`, `${length} values`);
}

export const checkSize = (argument: string, pixels: number): void =>
  check(Number.isFinite(pixels) && pixels >= 100 && pixels <= 4000, argument, pixels, "100 to 4000 pixels");
