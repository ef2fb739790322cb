import type { Key } from "../src/engine/random.js";

/** Something to learn: draws of examples, and what is known about where they lie. */
export interface Dataset {
  /** What `byName` calls it. */
  readonly name: string;
  /** Of one example: [dim], or [height, width, channels] of an image. */
  readonly shape: readonly number[];
  /** Number of examples; Infinity where they are generated. */
  readonly size: number;
  /** `count` random examples, with replacement; the same key gives the same ones. */
  sample(key: Key, count: number): Batch;
  /** The examples at these indices, [indices.length, ...shape]; only where `size` is finite. */
  examples?(indices: ArrayLike<number>): Float32Array;
  /** The class of every example; only where `size` is finite and classes are known. */
  readonly labels?: Int32Array;
  readonly numClasses?: number;
  /** What each class is called; only where names are known. */
  readonly classNames?: readonly string[];
  /**
   * 32 hexadecimal digits that identify the data of a training, a cache or a report. They change with any example, label or the order, and with nothing else,
   * such as the name. Computed once, when it is first asked for. Generated data have one of what they are generated from and of their first draws. A dataset of
   * your own may leave it out.
   */
  fingerprint?(): Promise<string>;
  /** Draws in another thread, which a training asks for ahead of the steps that need them; only where drawing takes long. Who begins it closes it. */
  background?(): BackgroundDraws;
  /** The manifold the examples lie on; only where it is known exactly. */
  readonly manifold?: Manifold;
}

/** Draws that are made in another thread. */
export interface BackgroundDraws {
  /** The same examples as the dataset's `sample`. */
  sample(key: Key, count: number): Promise<Batch>;
  /** Ends the thread; draws that are still to come are rejected. */
  close(): Promise<void>;
}

/** Examples drawn from a dataset. */
export interface Batch {
  /** [count, ...shape], row-major; images in [-1, 1]. */
  x: Float32Array;
  /** The class of each example, 0 ... numClasses - 1. */
  labels?: Int32Array;
}

/** A manifold in Euclidean space whose nearest points and tangent spaces are known. */
export interface Manifold {
  readonly ambientDim: number;
  readonly dim: number;
  /** The nearest point of the manifold for each of [n, ambientDim] points; where several are nearest, one of them. */
  project(points: Float32Array): Float32Array;
  /** An orthonormal basis [n, dim, ambientDim] of the tangent space at each point; one-sided at an end or edge. */
  tangentBasis(pointsOnManifold: Float32Array): Float32Array;
}
