import type { Attributes, ElementType } from "./proto.js";

export type ConstantData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

/** A tensor inside a graph under construction. */
export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
  /** The node that computes it; absent for inputs and constants. */
  readonly node?: Node;
  /** Known values, if constant. A splat is one number in all places, stored as an array of length 1. */
  readonly constant?: { readonly data: ConstantData; readonly splat: boolean };
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly domain: string;
  readonly outputs: Value[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);
