import {
  assemble,
  type Code,
  f32x4,
  f64,
  f64x2,
  get,
  i32,
  locals,
  loop,
  set,
  type,
  v128,
  type WasmFunction,
  when,
} from "./assembler.js";

/** Functions on a WebAssembly memory; addresses are in bytes. */
export interface Kernels {
  /**
   * C += A Bᵀ in float32. A and B are packed as `panelRows` says, 8 rows to a panel.
   * @param c row-major, [rows, columns].
   * @param depth numbers in each row of A and B, at least one.
   * @param rows a multiple of 8, as `columns` is.
   */
  multiply32(a: number, b: number, c: number, depth: number, rows: number, columns: number): void;
  /** As `multiply32` in float64: 4 rows to a panel. */
  multiply64(a: number, b: number, c: number, depth: number, rows: number, columns: number): void;
  /**
   * Where float32 numbers C [rows, columns] are below their row's limit or their column's: for each four in a row with any, an int32
   * for `hit` to read. Returns where the list of them ends.
   * @param columns a multiple of 4, at most 16,380; at most 65,536 rows.
   */
  below(
    c: number,
    rowLimits: number,
    columnLimits: number,
    hits: number,
    rows: number,
    columns: number,
  ): number;
  /**
   * A step of the reduction of a symmetric float64 matrix to a tridiagonal one. Of the rows and columns below `size` the lower half becomes
   * A - u qᵀ - q uᵀ, and `product`, which begins as zeros, that times v.
   * @param stride of A's rows, in numbers.
   */
  reflect(a: number, stride: number, size: number, u: number, q: number, v: number, product: number): void;
}

/** Bytes of a panel for each number of depth: two vectors. */
export const panelBytes = 32;

/** Rows of a panel. Its numbers lie by depth: those of all its rows at depth 0, then at depth 1. */
export const panelRows = { float32: 8, float64: 4 } as const;

/** The row, the first column and the four bits of an entry that `below` lists. */
export const hit = {
  row: (entry: number): number => entry >>> 16,
  column: (entry: number): number => (entry & 0xfff0) >>> 2,
  lanes: (entry: number): number => entry & 15,
};

/** Tiles of 4 x two vectors: eight sums, two vectors of B and one number of A are as many as the processor's 16 registers hold. */
function multiply(name: string, bytes: 4 | 8): WasmFunction {
  const { add, mul } = bytes === 4 ? f32x4 : f64x2;
  const loadSplat = bytes === 4 ? f32x4.loadSplat : f64x2.loadSplat;
  const own = locals();
  const [a, b, c, depth, rows, columns] = Array.from({ length: 6 }, () => own.add(type.i32)) as Six;
  const [panel, row, column, stride, pa, pb, pc, end] = Array.from({ length: 8 }, () =>
    own.add(type.i32),
  ) as Eight;
  const sums = Array.from({ length: 8 }, () => own.add(type.v128));
  const [b0, b1, splat] = [own.add(type.v128), own.add(type.v128), own.add(type.v128)];
  // Of a float32 panel of 8 rows the tile takes the first four or the last four.
  const tilesPerPanel = bytes === 4 ? 2 : 1;
  const step: Code = [
    ...set(b0, v128.load(get(pb))),
    ...set(b1, v128.load(get(pb), 16)),
    ...[0, 1, 2, 3].flatMap((r) => [
      ...set(splat, loadSplat(get(pa), r * bytes)),
      ...set(sums[2 * r]!, add(get(sums[2 * r]!), mul(get(splat), get(b0)))),
      ...set(sums[2 * r + 1]!, add(get(sums[2 * r + 1]!), mul(get(splat), get(b1)))),
    ]),
  ];
  const rowOfC = (r: number): Code =>
    r === 0 ? get(pc) : i32.add(get(pc), i32.mul(get(stride), i32.const(r)));
  const tile: Code = [
    ...[0, 1, 2, 3].flatMap((r) => [
      ...set(sums[2 * r]!, v128.load(rowOfC(r))),
      ...set(sums[2 * r + 1]!, v128.load(rowOfC(r), 16)),
    ]),
    // Not unrolled: V8 would load everything first, run out of registers and take half as long again.
    ...loop(pb, get(column), get(end), panelBytes, [
      ...step,
      ...set(pa, i32.add(get(pa), i32.const(panelBytes))),
    ]),
    ...[0, 1, 2, 3].flatMap((r) => [
      ...v128.store(rowOfC(r), get(sums[2 * r]!)),
      ...v128.store(rowOfC(r), get(sums[2 * r + 1]!), 16),
    ]),
  ];
  return {
    name,
    locals: own,
    parameters: 6,
    body: [
      ...set(panel, i32.mul(get(depth), i32.const(panelBytes))),
      ...set(stride, i32.mul(get(columns), i32.const(bytes))),
      ...set(column, get(b)),
      ...columnLoop(),
    ],
  };

  /** Over panels of B, and for each over tiles of A. */
  function columnLoop(): Code {
    const from = own.add(type.i32);
    const counter = own.add(type.i32);
    return loop(counter, i32.const(0), get(stride), panelBytes, [
      ...set(end, i32.add(get(column), get(panel))),
      ...set(from, get(a)),
      ...set(pc, i32.add(get(c), get(counter))),
      ...loop(row, i32.const(0), get(rows), 4, [
        ...set(pa, get(from)),
        ...tile,
        ...set(pc, i32.add(get(pc), i32.mul(get(stride), i32.const(4)))),
        ...(tilesPerPanel === 1
          ? set(from, i32.add(get(from), get(panel)))
          : // 16 bytes on in the same panel, then to the next one.
            set(
              from,
              i32.add(
                get(from),
                i32.add(
                  i32.const(16),
                  i32.mul(
                    i32.and(i32.shr(get(row), i32.const(2)), i32.const(1)),
                    i32.sub(get(panel), i32.const(32)),
                  ),
                ),
              ),
            )),
      ]),
      ...set(column, get(end)),
    ]);
  }
}

function below(): WasmFunction {
  const own = locals();
  const [c, rowLimits, columnLimits, hits, rows, columns] = Array.from({ length: 6 }, () =>
    own.add(type.i32),
  ) as Six;
  const [row, offset, mask, end] = Array.from({ length: 4 }, () => own.add(type.i32)) as Four;
  const [limit, values, found] = Array.from({ length: 3 }, () => own.add(type.v128)) as Three;
  return {
    name: "below",
    locals: own,
    parameters: 6,
    result: type.i32,
    body: [
      ...set(end, i32.shl(get(columns), i32.const(2))),
      ...loop(row, i32.const(0), get(rows), 1, [
        ...set(limit, f32x4.loadSplat(i32.add(get(rowLimits), i32.shl(get(row), i32.const(2))))),
        ...loop(offset, i32.const(0), get(end), 16, [
          ...set(values, v128.load(i32.add(get(c), get(offset)))),
          ...set(
            found,
            v128.or(
              f32x4.lessThan(get(values), get(limit)),
              f32x4.lessThan(get(values), v128.load(i32.add(get(columnLimits), get(offset)))),
            ),
          ),
          ...when(v128.anyTrue(get(found)), [
            ...set(mask, f32x4.bitmask(get(found))),
            // The offset is 4 times the column, a multiple of 16: its lowest four bits are free.
            ...i32.store(get(hits), i32.or(i32.or(i32.shl(get(row), i32.const(16)), get(offset)), get(mask))),
            ...set(hits, i32.add(get(hits), i32.const(4))),
          ]),
        ]),
        ...set(c, i32.add(get(c), get(end))),
      ]),
      ...get(hits),
    ],
  };
}

function reflect(): WasmFunction {
  const own = locals();
  const [a, stride, size, u, q, v, product] = Array.from({ length: 7 }, () => own.add(type.i32)) as Seven;
  const [row, offset, paired, end] = Array.from({ length: 4 }, () => own.add(type.i32)) as Four;
  const [uj, qj, vj, sum] = Array.from({ length: 4 }, () => own.add(type.f64)) as Four;
  const [us, qs, vs, sums, values] = Array.from({ length: 5 }, () => own.add(type.v128)) as Five;
  const value = own.add(type.f64);
  const at = (base: number): Code => i32.add(get(base), get(offset));
  return {
    name: "reflect",
    locals: own,
    parameters: 7,
    body: [
      ...set(stride, i32.shl(get(stride), i32.const(3))),
      ...set(size, i32.shl(get(size), i32.const(3))),
      // `row` is 8 times its number: where its entry stands in a vector.
      ...loop(row, i32.const(0), get(size), 8, [
        ...set(uj, f64.load(i32.add(get(u), get(row)))),
        ...set(qj, f64.load(i32.add(get(q), get(row)))),
        ...set(vj, f64.load(i32.add(get(v), get(row)))),
        ...set(us, f64x2.splat(get(uj))),
        ...set(qs, f64x2.splat(get(qj))),
        ...set(vs, f64x2.splat(get(vj))),
        ...set(sums, v128.zero),
        ...set(sum, f64.const0),
        ...set(paired, i32.and(get(row), i32.const(-16))),
        ...loop(offset, i32.const(0), get(paired), 16, [
          ...set(
            values,
            f64x2.sub(
              f64x2.sub(v128.load(at(a)), f64x2.mul(get(us), v128.load(at(q)))),
              f64x2.mul(get(qs), v128.load(at(u))),
            ),
          ),
          ...v128.store(at(a), get(values)),
          ...set(sums, f64x2.add(get(sums), f64x2.mul(get(values), v128.load(at(v))))),
          ...v128.store(at(product), f64x2.add(v128.load(at(product)), f64x2.mul(get(values), get(vs)))),
        ]),
        // What is left before the diagonal, one entry or none, and the diagonal itself, which counts once.
        ...set(end, get(row)),
        ...loop(offset, get(paired), i32.add(get(end), i32.const(8)), 8, [
          ...set(
            value,
            f64.sub(
              f64.sub(f64.load(at(a)), f64.mul(get(uj), f64.load(at(q)))),
              f64.mul(get(qj), f64.load(at(u))),
            ),
          ),
          ...f64.store(at(a), get(value)),
          ...set(sum, f64.add(get(sum), f64.mul(get(value), f64.load(at(v))))),
          ...when(
            i32.lessThan(get(offset), get(end)),
            f64.store(at(product), f64.add(f64.load(at(product)), f64.mul(get(value), get(vj)))),
          ),
        ]),
        ...set(offset, get(row)),
        ...f64.store(
          at(product),
          f64.add(
            f64.load(at(product)),
            f64.add(get(sum), f64.add(f64x2.lane(get(sums), 0), f64x2.lane(get(sums), 1))),
          ),
        ),
        ...set(a, i32.add(get(a), get(stride))),
      ]),
    ],
  };
}

/** As much of the standard `WebAssembly` object as is used here; its types are in TypeScript's library for browsers only. */
interface Runtime {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { env: { memory: Memory } }) => { exports: unknown };
  Memory: new (size: { initial: number }) => Memory;
}

export interface Memory {
  readonly buffer: ArrayBuffer;
}

declare const WebAssembly: Runtime;

let compiled: object | undefined;

/** The kernels on a memory. */
export function kernels(memory: Memory): Kernels {
  const { Module, Instance } = WebAssembly;
  compiled ??= new Module(
    assemble([multiply("multiply32", 4), multiply("multiply64", 8), below(), reflect()]),
  );
  return new Instance(compiled, { env: { memory } }).exports as Kernels;
}

const page = 65_536;

/** A memory of at least so many bytes, all zero. */
export function memoryOf(bytes: number): Memory {
  return new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(bytes / page)) });
}

type Three = [number, number, number];
type Four = [...Three, number];
type Five = [...Four, number];
type Six = [...Five, number];
type Seven = [...Six, number];
type Eight = [...Seven, number];
