// As much of WebAssembly's binary format as the kernels of this folder need (WebAssembly Core Specification 2.0, chapter 5): functions of numbers that work
// on one imported memory, with 128-bit vectors. Compiled at first use, at once and anywhere, with no build step and no file to load.

/** Instructions, in their binary form. */
export type Code = readonly number[];

export const type = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

/** Numbers of a function's parameters and further locals, with their types. */
export interface Locals {
  /** A local of this type; the first ones asked for are the parameters. */
  add(kind: number): number;
  readonly kinds: readonly number[];
}

export function locals(): Locals {
  const kinds: number[] = [];
  return { kinds, add: (kind) => kinds.push(kind) - 1 };
}

export interface WasmFunction {
  readonly name: string;
  readonly locals: Locals;
  /** How many of the locals are parameters. */
  readonly parameters: number;
  /** Of what it returns, if anything. */
  readonly result?: number;
  readonly body: Code;
}

/** A number of any length, little-endian in groups of seven bits (LEB128). */
function unsigned(value: number): number[] {
  const out: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return out;
}

function signed(value: number): number[] {
  const out: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const last = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    out.push(last ? low : low | 0x80);
    if (last) return out;
  }
}

const vector = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
const access =
  (opcode: number) =>
  (address: Code, offset = 0): Code => [...address, ...vector(opcode), 0, ...unsigned(offset)];
const binary =
  (instruction: Code) =>
  (a: Code, b: Code): Code => [...a, ...b, ...instruction];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: binary([0x6a]),
  sub: binary([0x6b]),
  mul: binary([0x6c]),
  or: binary([0x72]),
  and: binary([0x71]),
  shl: binary([0x74]),
  shr: binary([0x76]),
  lessThan: binary([0x49]),
  store: (address: Code, value: Code): Code => [...address, ...value, 0x36, 0, 0],
};

export const f64 = {
  add: binary([0xa0]),
  sub: binary([0xa1]),
  mul: binary([0xa2]),
  const0: [0x44, 0, 0, 0, 0, 0, 0, 0, 0] as Code,
  load: (address: Code): Code => [...address, 0x2b, 0, 0],
  store: (address: Code, value: Code): Code => [...address, ...value, 0x39, 0, 0],
};

export const v128 = {
  load: access(0),
  store: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    ...vector(11),
    0,
    ...unsigned(offset),
  ],
  zero: [...vector(12), ...new Array<number>(16).fill(0)] as Code,
  or: binary(vector(80)),
  anyTrue: (value: Code): Code => [...value, ...vector(83)],
};

export const f32x4 = {
  loadSplat: access(9),
  lessThan: binary(vector(67)),
  /** The four lanes' sign bits: of a comparison, which lanes are true. */
  bitmask: (value: Code): Code => [...value, ...vector(164)],
  add: binary(vector(228)),
  mul: binary(vector(230)),
};

export const f64x2 = {
  loadSplat: access(10),
  splat: (value: Code): Code => [...value, ...vector(20)],
  lane: (value: Code, lane: number): Code => [...value, ...vector(33), lane],
  add: binary(vector(240)),
  sub: binary(vector(241)),
  mul: binary(vector(242)),
};

export const when = (condition: Code, body: Code): Code => [...condition, 0x04, 0x40, ...body, 0x0b];

/** Repeats `body` while `condition`, which is asked first. */
const loopWhile = (condition: Code, body: Code): Code => [
  ...[0x02, 0x40, 0x03, 0x40],
  ...[...condition, 0x45, 0x0d, 1],
  ...[...body, 0x0c, 0],
  ...[0x0b, 0x0b],
];

/** `body` for `local` from `start`, below `end`, by `step`. */
export const loop = (local: number, start: Code, end: Code, step: number, body: Code): Code => [
  ...set(local, start),
  ...loopWhile(i32.lessThan(get(local), end), [...body, ...set(local, i32.add(get(local), i32.const(step)))]),
];

/** A module with these functions, exported by name; it imports `memory` from `env`. */
export function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const list = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
  const text = (value: string): number[] => list([...new TextEncoder().encode(value)].map((byte) => [byte]));
  const section = (id: number, content: readonly number[]): number[] => [
    id,
    ...unsigned(content.length),
    ...content,
  ];
  const signatures = functions.map(({ locals: { kinds }, parameters, result }) => [
    0x60,
    ...list(kinds.slice(0, parameters).map((kind) => [kind])),
    ...list(result === undefined ? [] : [[result]]),
  ]);
  const bodies = functions.map(({ locals: { kinds }, parameters, body }) => {
    const code = [...list(kinds.slice(parameters).map((kind) => [1, kind])), ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(signatures)),
    ...section(2, list([[...text("env"), ...text("memory"), 0x02, 0x00, 1]])),
    ...section(3, list(functions.map((_, i) => unsigned(i)))),
    ...section(7, list(functions.map(({ name }, i) => [...text(name), 0x00, ...unsigned(i)]))),
    ...section(10, list(bodies)),
  ]);
}
