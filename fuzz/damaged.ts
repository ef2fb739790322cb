import { draws, mutate } from "./mutate.js";
import type { Reader } from "./reader.js";
import { readers } from "./readers/index.js";

const valid = new Map<string, Promise<Uint8Array[]>>();

/** File number `index` of a run: the same for the same seed and readers. */
export async function damaged(
  { seed, only }: { seed: number; only: readonly string[] },
  index: number,
): Promise<{ reader: Reader; bytes: Uint8Array }> {
  const chosen = readers.filter(({ name }) => only.includes(name));
  const reader = chosen[index % chosen.length]!;
  if (!valid.has(reader.name)) valid.set(reader.name, reader.files());
  const files = await valid.get(reader.name)!;
  const draw = draws(seed, index);
  const file = files[draw(files.length)]!;
  const change = (bytes: Uint8Array): Uint8Array => mutate(bytes, draw, reader.tokens);
  return { reader, bytes: reader.damage?.(file, change, draw) ?? change(file) };
}
