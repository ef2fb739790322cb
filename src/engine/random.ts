import { check } from "../errors.js";

/**
 * A random key: a value, like JAX's. The same key always gives the same draws, on every machine and engine; use a key
 * once, and `split` or `foldIn` it for more.
 */
export type Key = readonly [number, number];

/** A key from a seed, an integer in [0, 2^53). */
export function key(seed: number): Key {
  check(Number.isSafeInteger(seed) && seed >= 0, "seed", seed, "an integer from 0 to 2^53 - 1");
  return [Math.floor(seed / 2 ** 32), seed >>> 0];
}

/** That a value is a key: other things would be read as zeros. */
function checkKey(key: Key): void {
  const isKey =
    Array.isArray(key) && key.length === 2 && Number.isInteger(key[0]) && Number.isInteger(key[1]);
  check(isKey, "key", key, "a key, of random.key(seed)");
}

/** `N` keys: a tuple where the number is known to the compiler. */
export type Keys<N extends number, Found extends Key[] = []> = number extends N
  ? Key[]
  : Found["length"] extends N
    ? Found
    : Keys<N, [...Found, Key]>;

/** `n` independent keys, default 2; asking for more leaves the first ones as they were. */
export function split<N extends number = 2>(key: Key, n: N = 2 as N): Keys<N> {
  checkKey(key);
  check(Number.isInteger(n) && n >= 0, "n", n, "an integer >= 0");
  return Array.from({ length: n }, (_, i) => threefry2x32(key, i, Domain.split)) as Keys<N>;
}

/** A key that depends on `key` and on `data`, an integer in [0, 2^32), such as a step or an index. */
export function foldIn(key: Key, data: number): Key {
  checkKey(key);
  check(Number.isInteger(data) && data >= 0 && data < 2 ** 32, "data", data, "an integer from 0 to 2^32 - 1");
  return threefry2x32(key, data, Domain.fold);
}

/** `n` uniform draws from [min, max), in steps of (max - min) / 2^24; `max` itself only where float32 rounds up to it. */
export function uniform(key: Key, n: number, min = 0, max = 1): Float32Array {
  checkCount(n);
  check(
    Number.isFinite(min) && Number.isFinite(max) && min <= max,
    "min, max",
    [min, max],
    "finite, min <= max",
  );
  const out = new Float32Array(n);
  const bits = new Int32Array(out.buffer);
  new Stream(key).fill(bits);
  const step = (max - min) / 2 ** 24;
  for (let i = 0; i < n; i++) out[i] = min + (bits[i]! >>> 8) * step;
  return out;
}

/**
 * `n` standard normal draws, by the ziggurat of 256 layers (Marsaglia and Tsang 2000, with the layer and the position in
 * it from separate bits, as Doornik 2005 asks).
 */
export function normal(key: Key, n: number): Float32Array {
  checkCount(n);
  const out = new Float32Array(n);
  const stream = new Stream(key);
  const outside = stream.fillCore(out);
  for (let k = 0; k < outside.length; k += 2) out[outside[k]!] = outsideOfCore(stream, outside[k + 1]!);
  return out;
}

/** `n` integers, uniform in [0, maxExclusive), with maxExclusive up to 2^31; no value is favoured. */
export function integers(key: Key, n: number, maxExclusive: number): Int32Array {
  checkCount(n);
  check(
    Number.isInteger(maxExclusive) && maxExclusive >= 1 && maxExclusive <= 2 ** 31,
    "maxExclusive",
    maxExclusive,
    "an integer from 1 to 2^31",
  );
  const stream = new Stream(key);
  const out = new Int32Array(n);
  for (let i = 0; i < n; i++) out[i] = stream.below(maxExclusive);
  return out;
}

/** The integers 0 ... n - 1 in random order (Fisher-Yates). */
export function permutation(key: Key, n: number): Int32Array {
  checkCount(n);
  const stream = new Stream(key);
  const out = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const j = stream.below(i + 1);
    out[i] = out[j]!;
    out[j] = i;
  }
  return out;
}

function checkCount(n: number): void {
  check(Number.isInteger(n) && n >= 0 && n < 2 ** 31, "n", n, "an integer from 0 to 2^31 - 1");
}

/** Second counter word: keeps what `split`, `foldIn` and the draws take from one key apart. */
const Domain = { split: 0, fold: 1, stream: 2 } as const;

const rotate = (x: number, r: number): number => (x << r) | (x >>> (32 - r));

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** Threefry-2x32 with 20 rounds: a hash of a 64-bit counter under a 64-bit key (Salmon et al. 2011, "Parallel random numbers"). */
export function threefry2x32(key: Key, counter0: number, counter1: number): Key {
  const schedule = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bda];
  let x0 = (counter0 + key[0]) | 0;
  let x1 = (counter1 + key[1]) | 0;
  for (let round = 0; round < 5; round++) {
    for (const r of ROTATIONS[round % 2]!) {
      x0 = (x0 + x1) | 0;
      x1 = rotate(x1, r) ^ x0;
    }
    x0 = (x0 + schedule[(round + 1) % 3]!) | 0;
    x1 = (x1 + schedule[(round + 2) % 3]! + round + 1) | 0;
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** The bits behind all draws of one key: sfc32 (Doty-Humphrey's "small fast chaotic" generator), its state hashed from the key. */
class Stream {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(key: Key) {
    checkKey(key);
    const [a, b] = threefry2x32(key, 0, Domain.stream);
    const [c] = threefry2x32(key, 1, Domain.stream);
    this.a = a | 0;
    this.b = b | 0;
    this.c = c | 0;
    for (let i = 0; i < 12; i++) this.next(); // until the counter has reached every bit
  }

  /** 32 random bits, as a signed integer. */
  next(): number {
    const out = (((this.a + this.b) | 0) + this.counter) | 0; // two int32 sums: three terms at once would be float
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (rotate(this.c, 21) + out) | 0;
    return out;
  }

  /** The same as `next()` for every element, at a third of the time: the state stays in registers. */
  fill(out: Int32Array): void {
    let a = this.a | 0; // tells V8 that these are int32
    let b = this.b | 0;
    let c = this.c | 0;
    let counter = this.counter | 0;
    for (let i = 0; i < out.length; i++) {
      const sum = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + sum) | 0;
      out[i] = sum;
    }
    this.a = a;
    this.b = b;
    this.c = c;
    this.counter = counter;
  }

  /**
   * Normal draws where the bits of `fill` fall into the safe part of a layer, in the same loop: two loops take a third longer. The others' indices and bits,
   * one after the other, are returned.
   */
  fillCore(out: Float32Array): number[] {
    const outside: number[] = [];
    const cell = CELL; // locals: reading the module's constants in the loop takes twice the time
    const safeCells = SAFE_CELLS;
    let a = this.a | 0;
    let b = this.b | 0;
    let c = this.c | 0;
    let counter = this.counter | 0;
    for (let i = 0; i < out.length; i++) {
      const word = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + word) | 0;
      const position = word >> 8;
      const magnitude = position ^ (position >> 31);
      if (magnitude < safeCells[word & 255]!) out[i] = (position + 0.5) * cell[word & 255]!;
      else outside.push(i, word);
    }
    this.a = a;
    this.b = b;
    this.c = c;
    this.counter = counter;
    return outside;
  }

  /** Uniform in (0, 1), never an end. */
  open(): number {
    return ((this.next() >>> 0) + 0.5) / 2 ** 32;
  }

  /** An integer uniform in [0, max): 2^32 falls into `max` equal buckets, what is left over is drawn again. */
  below(max: number): number {
    const bucket = Math.floor(2 ** 32 / max);
    for (;;) {
      const index = Math.floor((this.next() >>> 0) / bucket);
      if (index < max) return index;
    }
  }
}

/** Where the tail begins, and the area of each of the 256 layers, under exp(-x^2 / 2). */
const TAIL = 3.6541528853610088;
const AREA = 0.004928673233974655;

const density = (x: number): number => Math.exp(-0.5 * x * x);

/**
 * A word of 32 random bits names a layer (low 8 bits) and a position in it (high 24, signed; the middle of a cell, so that
 * draws are symmetric about 0).
 * Layer i of the ziggurat reaches from 0 to EDGE[i]; what lies left of EDGE[i + 1] is under the curve for sure. Layer 0
 * is the bottom one, with the tail: a box of the same area stands for it.
 */
const EDGE = new Float64Array(257);
EDGE[0] = AREA / density(TAIL);
EDGE[1] = TAIL;
for (let i = 1; i < 255; i++) EDGE[i + 1] = Math.sqrt(-2 * Math.log(density(EDGE[i]!) + AREA / EDGE[i]!));

/** The curve's height where each layer ends. */
const DENSITY = EDGE.map(density);

/** Width of one of the 2^23 cells of a layer, and how many of them are under the curve for sure. */
const CELL = Float64Array.from({ length: 256 }, (_, i) => EDGE[i]! / 2 ** 23);
const SAFE_CELLS = Int32Array.from({ length: 256 }, (_, i) =>
  Math.floor((EDGE[i + 1]! / EDGE[i]!) * 2 ** 23),
);

/** The 1 draw in 80 that is not in a layer's safe part: the tail, the sliver along the curve, or a new draw. */
function outsideOfCore(stream: Stream, word: number): number {
  for (;;) {
    const layer = word & 255;
    const position = word >> 8;
    const x = (position + 0.5) * CELL[layer]!;
    if ((position ^ (position >> 31)) < SAFE_CELLS[layer]!) return x;
    if (layer === 0) return x < 0 ? -tail(stream) : tail(stream);
    const low = DENSITY[layer]!;
    if (low + stream.open() * (DENSITY[layer + 1]! - low) < density(x)) return x;
    word = stream.next();
  }
}

/** A normal draw from beyond TAIL (Marsaglia 1964). */
function tail(stream: Stream): number {
  for (;;) {
    const x = -Math.log(stream.open()) / TAIL;
    if (-2 * Math.log(stream.open()) > x * x) return TAIL + x;
  }
}
