import * as random from "../src/engine/random.js";
import { displayedDataset } from "../src/engine/self-display.js";
import { check, TangentLabError } from "../src/errors.js";
import { type Content, fingerprintOf, once } from "../src/io/fingerprint.js";
import { classesOf, type Label } from "./classes.js";
import type { Dataset } from "./dataset.js";

/**
 * Your own data: points, or images in [-1, 1].
 * @param x all examples, [size, ...shape], row-major. Kept, not copied.
 * @param shape of one example: [dim] or [height, width, channels].
 * @param labels the class of each example, numbers or names: the classes are those that occur, sorted.
 * @throws TangentLabError `invalid-argument` for other arrays and if shapes do not fit, `invalid-data` with the index of the first value that is
 * not finite, beyond [-1, 1] in an image, or no label, and for more than 10,000 classes.
 */
export function fromArray(
  x: Float32Array,
  shape: readonly number[],
  labels?: ArrayLike<Label>,
  name = "array",
): Dataset {
  check(x instanceof Float32Array, "x", x, "a Float32Array: of a list, Float32Array.from(list.flat())");
  check(Array.isArray(shape), "shape", shape, "[dim] or [height, width, channels]");
  check(
    (shape.length === 1 || shape.length === 3) && shape.every((n) => Number.isInteger(n) && n >= 1),
    "shape",
    shape,
    "[dim] or [height, width, channels]",
  );
  const width = shape.reduce((a, b) => a * b, 1);
  check(
    x.length > 0 && x.length % width === 0,
    "x",
    `${x.length} values`,
    `[size, ${shape.join(", ")}], a multiple of ${width} values`,
  );
  const isImage = shape.length === 3;
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    if (!Number.isFinite(value)) throw badValue("x", i, width, value, "finite numbers");
    if (isImage && Math.abs(value) > 1) throw badValue("x", i, width, value, "images in [-1, 1]");
  }
  const size = x.length / width;
  return finite({
    name,
    shape,
    size,
    ...(labels != null && classesOf(labels, size)),
    contents: () => [x],
    write: (index, out, offset) => out.set(x.subarray(index * width, (index + 1) * width), offset),
  });
}

/** What a finite dataset is made from; `write` puts one example into `out` from `offset` on. */
export interface FiniteSource {
  name: string;
  shape: readonly number[];
  size: number;
  labels?: Int32Array;
  numClasses?: number;
  classNames?: readonly string[];
  /** All examples, as stored, in order. The fingerprint is made of them, the shape and the labels. */
  contents(): Iterable<Content>;
  write(index: number, out: Float32Array, offset: number): void;
}

/** A dataset of stored examples, converted batch by batch. */
export function finite({ write, contents, ...rest }: FiniteSource): Dataset {
  const { shape, size, labels, classNames = null } = rest;
  const width = shape.reduce((a, b) => a * b, 1);
  const examples = (indices: ArrayLike<number>): Float32Array => {
    check(typeof indices?.length === "number", "indices", indices, "a list of integers");
    const out = new Float32Array(indices.length * width);
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      check(
        Number.isInteger(index) && index >= 0 && index < size,
        `indices[${i}]`,
        index,
        `an integer from 0 to ${size - 1}`,
      );
      write(index, out, i * width);
    }
    return out;
  };
  return displayedDataset<Dataset>({
    ...rest,
    examples,
    fingerprint: once(() =>
      fingerprintOf([{ shape, size, classNames }, ...contents(), ...(labels ? [labels] : [])]),
    ),
    sample: (key, count) => {
      const indices = random.integers(key, count, size);
      const x = examples(indices);
      return labels ? { x, labels: indices.map((index) => labels[index]!) } : { x };
    },
  });
}

function badValue(
  argument: string,
  index: number,
  width: number,
  given: number,
  allowed: string,
): TangentLabError {
  const where = width === 1 ? "" : ` (example ${Math.floor(index / width)})`;
  return new TangentLabError("invalid-data", `invalid ${argument}[${index}]${where}`, {
    argument: `${argument}[${index}]`,
    given,
    allowed,
  });
}
