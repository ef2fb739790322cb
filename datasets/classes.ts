import { check, TangentLabError } from "../src/errors.js";

/** A label: a number, or what its class is called. */
export type Label = number | bigint | string;

export interface Classes {
  /** The class of each example, 0 ... numClasses - 1. */
  labels: Int32Array;
  numClasses: number;
  classNames: string[];
}

/** More classes than this are ids that were taken for labels: a network has a vector for each class. */
export const mostClasses = 10_000;

/** @throws TangentLabError `invalid-data` with the number of classes if there are too many. */
export function checkClassCount(count: number, argument: string): void {
  if (count <= mostClasses) return;
  throw new TangentLabError("invalid-data", `${count} classes are too many: are these labels ids?`, {
    argument,
    given: count,
    allowed: `at most ${mostClasses} classes`,
  });
}

/**
 * Labels as a dataset keeps them. Labels are names: the classes are those that occur, in the order of numbers, or of text where one label is no number.
 * @throws TangentLabError `invalid-argument` for a wrong count, `invalid-data` for anything but a label, and for more than 10,000 classes.
 */
export function classesOf(labels: ArrayLike<Label>, size: number): Classes {
  const isList = typeof labels === "object" && typeof labels?.length === "number";
  check(isList, "labels", labels, "a list with one label for each example");
  check(labels.length === size, "labels", `${labels.length} labels`, `one for each of ${size} examples`);
  const known = new Set<Label>();
  for (let i = 0; i < size; i++) {
    const label = labels[i]!;
    const valid =
      typeof label === "string"
        ? label.trim() !== ""
        : (typeof label === "bigint" || Number.isSafeInteger(label)) && label >= 0;
    if (!valid) {
      throw new TangentLabError("invalid-data", `invalid labels[${i}]`, {
        argument: `labels[${i}]`,
        given: typeof label === "bigint" ? String(label) : label,
        allowed: "classes, integers >= 0 or names that are not blank",
      });
    }
    known.add(label);
  }
  checkClassCount(known.size, "labels");
  const isText = [...known].some((label) => typeof label === "string");
  const key = (label: Label): string => String(label);
  // As text, 2 and "2" are one class; as numbers, 2 and 2n are.
  const names = [...new Set([...known].map(key))];
  names.sort(isText ? undefined : (a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  const index = new Map(names.map((name, i) => [name, i]));
  const classOf = new Map([...known].map((label) => [label, index.get(key(label))!]));
  return {
    labels: Int32Array.from({ length: size }, (_, i) => classOf.get(labels[i]!)!),
    numClasses: names.length,
    classNames: names,
  };
}
