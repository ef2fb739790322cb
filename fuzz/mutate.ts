import * as random from "../src/engine/random.js";
import { check } from "../src/errors.js";

/** Draws of one file: integers from 0 to below `most`, one after the other. */
export type Draw = (most: number) => number;

/** What file number `index` of a run is made with. */
export function draws(seed: number, index: number): Draw {
  const values = random.integers(random.foldIn(random.key(seed), index), 256, 2 ** 30);
  let next = 0;
  return (most) => {
    check(most >= 1, "most", most, "an integer >= 1");
    return values[next++ % values.length]! % most;
  };
}

/** Numbers at which sizes and counts break. */
const edges = [
  0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];

/** One to four small changes. */
export function mutate(bytes: Uint8Array, draw: Draw, tokens: readonly string[] = []): Uint8Array {
  let out: Buffer = Buffer.from(bytes);
  for (let count = draw(2) ? 1 : 1 + draw(4); count > 0; count--) out = change(out, draw, tokens);
  return out;
}

function change(bytes: Buffer, draw: Draw, tokens: readonly string[]): Buffer {
  if (bytes.length === 0) return Buffer.from([draw(256)]);
  // Headers are short and decide most.
  const at = draw(3) === 0 ? draw(bytes.length) : draw(Math.min(bytes.length, 128));
  const out = Buffer.from(bytes);
  const cut = (begin: number, length: number, between: Uint8Array = Buffer.alloc(0)): Buffer =>
    Buffer.concat([bytes.subarray(0, begin), between, bytes.subarray(begin + length)]);
  switch (draw(10)) {
    case 0:
      out[at]! ^= 1 << draw(8);
      return out;
    case 1:
      out[at] = draw(256);
      return out;
    case 2:
    case 3: {
      const value = edges[draw(edges.length)]!;
      const width = [1, 2, 4][draw(3)]!;
      if (at + width > bytes.length) return out;
      const fitting = value % 2 ** (8 * width);
      if (draw(2)) out.writeUIntBE(fitting, at, width);
      else out.writeUIntLE(fitting, at, width);
      return out;
    }
    case 4:
      return bytes.subarray(0, draw(bytes.length));
    case 5:
      return cut(at, 1 + draw(16));
    case 6:
      return cut(at, 0, bytes.subarray(at, at + 1 + draw(64)));
    case 7:
      return cut(at, 0, Buffer.alloc(1 + draw(8), draw(256)));
    case 8: {
      const [from, length] = [draw(bytes.length), 1 + draw(32)];
      bytes.copy(out, at, from, Math.min(from + length, bytes.length));
      return out;
    }
    default:
      return tokens.length > 0
        ? cut(at, draw(2) * draw(12), Buffer.from(tokens[draw(tokens.length)]!))
        : digits(out, draw);
  }
}

/** Another digit in the place of one, where the file has any. */
function digits(bytes: Buffer, draw: Draw): Buffer {
  const places = Array.from(bytes.subarray(0, 4096).entries()).filter(
    ([, byte]) => byte >= 0x30 && byte <= 0x39,
  );
  if (places.length > 0) bytes[places[draw(places.length)]![0]] = 0x30 + draw(10);
  return bytes;
}
