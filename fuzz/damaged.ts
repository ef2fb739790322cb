import { draws, mutate } from "./mutate.js";
import type { Reader } from "./reader.js";
import { readers } from "./readers/index.js";

const valid = new Map<string, Promise<Uint8Array[]>>();
const orders = new Map<string, readonly Reader[]>();

/** Readers in the order in which they get files, each as often as its share says and spread over the whole. */
export function orderOf(only: readonly string[]): readonly Reader[] {
  const key = only.join();
  const known = orders.get(key);
  if (known) return known;
  const turns = readers
    .filter(({ name }) => only.includes(name))
    .flatMap((reader) => {
      const share = reader.share ?? 16;
      return Array.from({ length: share }, (_, i) => ({ reader, at: (i + 0.5) / share }));
    });
  const order = turns.sort((a, b) => a.at - b.at).map(({ reader }) => reader);
  orders.set(key, order);
  return order;
}

/** File number `index` of a run: the same for the same seed and readers. */
export async function damaged(
  { seed, only }: { seed: number; only: readonly string[] },
  index: number,
): Promise<{ reader: Reader; bytes: Uint8Array }> {
  const order = orderOf(only);
  const reader = order[index % order.length]!;
  if (!valid.has(reader.name)) valid.set(reader.name, reader.files());
  const files = await valid.get(reader.name)!;
  const draw = draws(seed, index);
  const file = files[draw(files.length)]!;
  const change = (bytes: Uint8Array): Uint8Array => mutate(bytes, draw, reader.tokens);
  return { reader, bytes: reader.damage?.(file, change, draw) ?? change(file) };
}
