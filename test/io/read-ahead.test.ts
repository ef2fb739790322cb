import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import type { OpenFile } from "../../src/io/files.js";
import { readAhead } from "../../src/io/read-ahead.js";

const content = Uint8Array.from(random.uniform(random.key(1), 3_000_000), (value) => Math.floor(256 * value));

/** A file in memory that counts what is read of it. */
function counted(): OpenFile & { calls: number; bytes: number } {
  const file = {
    size: content.length,
    calls: 0,
    bytes: 0,
    read: async (begin: number, end: number) => {
      file.calls++;
      file.bytes += end - begin;
      await Promise.resolve();
      return content.slice(begin, end);
    },
  };
  return file;
}

/** Pieces of random places and lengths, some at the end and some empty. */
const pieces = Array.from({ length: 300 }, (_, i): [number, number] => {
  const [place, length] = random.uniform(random.foldIn(random.key(2), i), 2) as unknown as [number, number];
  const begin = Math.floor(place * content.length);
  return [begin, Math.min(content.length, begin + Math.floor(length ** 4 * 400_000))];
});

const same = (piece: Uint8Array, [begin, end]: [number, number]): void =>
  assert.ok(Buffer.from(piece).equals(content.subarray(begin, end)), `${begin} to ${end}`);

test("pieces are right in any order, also where reads overlap", async () => {
  const read = readAhead(counted());
  for (const piece of pieces) same(await read(...piece), piece);
  const together = await Promise.all(pieces.map((piece) => read(...piece)));
  for (const [i, piece] of together.entries()) same(piece, pieces[i]!);
});

test("pieces in rising order take few reads, with gaps between them, too", async () => {
  const file = counted();
  const read = readAhead(file);
  for (let at = 0; at + 1000 <= content.length; at += 1030) same(await read(at, at + 1000), [at, at + 1000]);
  assert.ok(file.calls <= 13, `${file.calls}`);
});

test("pieces in falling order read no more than themselves", async () => {
  const file = counted();
  const read = readAhead(file);
  for (let at = content.length - 1000; at >= 1000; at -= 1000) await read(at, at + 1000);
  assert.ok(file.bytes < 1.1 * content.length, `${file.bytes}`);
});

test.run();
