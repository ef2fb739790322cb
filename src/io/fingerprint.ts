/** Bytes, or any plain value, which counts as its JSON. */
export type Content = ArrayBufferView | Parts | string | number | boolean | null | object;

/** Bytes that come in parts, and count as if they were in one piece. */
export class Parts {
  constructor(
    /** Bytes of all parts together. */
    readonly length: number,
    readonly parts: () => AsyncIterable<Uint8Array>,
  ) {}
}

/** Bytes that are hashed at a time: the event loop has its turn between them. */
const blockBytes = 2 ** 22;

/**
 * A hash of contents in their order, 32 hexadecimal digits: SHA-256 of the hashes of blocks of 4 MiB, so that data are hashed as they come and are not held.
 * Runs in browsers too, on pages from https or this machine, where `crypto.subtle` is.
 */
export async function fingerprintOf(parts: Iterable<Content>): Promise<string> {
  const hashes: Uint8Array[] = [];
  const block = new Uint8Array(blockBytes);
  let filled = 0;
  const add = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + blockBytes - filled);
      block.set(piece, filled);
      at += piece.length;
      filled += piece.length;
      if (filled < blockBytes) continue;
      hashes.push(await sha256(block));
      filled = 0;
    }
  };
  for (const part of parts) {
    if (part instanceof Parts) {
      await add(new TextEncoder().encode(`bytes ${part.length};`));
      for await (const bytes of part.parts()) await add(bytes);
      continue;
    }
    const isView = ArrayBuffer.isView(part);
    const bytes = isView
      ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
      : new TextEncoder().encode(JSON.stringify(part));
    // Kind and length first, so that no other division into parts has the same bytes.
    await add(new TextEncoder().encode(`${isView ? "bytes" : "json"} ${bytes.length};`));
    await add(bytes);
  }
  hashes.push(await sha256(block.subarray(0, filled)));
  const all = new Uint8Array(32 * hashes.length);
  for (const [i, hash] of hashes.entries()) all.set(hash, 32 * i);
  return Array.from((await sha256(all)).subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}

const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

/** A function that computes its answer once, and again only after a failure. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= make().catch((error: unknown) => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
}
