import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { array, number, parse, pipe, regex, strictObject, string } from "valibot";
import { fileSystemError, withFile } from "../src/io/files.js";

/** What a file was like when its picture was decoded. */
export interface FileState {
  name: string;
  /** Size, time of its last writing, time of its last change of any kind, place on the disk. */
  status: string;
  /** SHA-256 of its content. */
  hash: string;
  /** When `status` was taken, milliseconds since 1970. */
  at: number;
}

const states = array(
  strictObject({
    name: string(),
    status: string(),
    hash: pipe(string(), regex(/^[0-9a-f]{64}$/)),
    at: number(),
  }),
);

/** States as they were saved; undefined if there are none. */
export function parseStates(text: string | undefined): FileState[] | undefined {
  try {
    return parse(states, JSON.parse(text ?? ""));
  } catch {
    return undefined;
  }
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/**
 * A file's content, and its state before it was read. Files are read one after the other, synchronously: for thousands of small ones a promise each would take
 * longer than reading them. Who calls it lets the event loop have its turn between files.
 * @throws TangentLabError `file-system`.
 */
export function readWithState(root: string, name: string): { bytes: Uint8Array; state: FileState } {
  const path = join(root, name);
  const { status, at } = statusAt(path);
  const bytes = content(path);
  return { bytes, state: { name, status, hash: hashOf(bytes), at } };
}

/**
 * The state of a file of any size, which is read in parts for its hash.
 * @throws TangentLabError `file-system`, or the signal's reason.
 */
export async function stateOf(root: string, name: string, signal?: AbortSignal): Promise<FileState> {
  const path = join(root, name);
  const { status, at } = statusAt(path);
  return { name, status, hash: await hashOfFile(path, Number(sizeOf(status)), signal), at };
}

/** Up to this size a file is read at once. */
const small = 2 ** 20;

async function hashOfFile(path: string, size: number, signal?: AbortSignal): Promise<string> {
  if (size <= small) return hashOf(content(path));
  const hash = createHash("sha256");
  await withFile(path, async (file) => {
    for (let at = 0; at < file.size; at += 4 * small) {
      signal?.throwIfAborted();
      hash.update(await file.read(at, Math.min(at + 4 * small, file.size)));
    }
  });
  return hash.digest("hex");
}

function content(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw fileSystemError("read", path, cause);
  }
}

function statusAt(path: string): { status: string; at: number; changed: bigint } {
  const at = Date.now();
  try {
    const { size, mtimeNs, ctimeNs, ino } = statSync(path, { bigint: true });
    return { status: `${size},${mtimeNs},${ctimeNs},${ino}`, at, changed: ctimeNs };
  } catch (cause) {
    throw fileSystemError("read", path, cause);
  }
}

const sizeOf = (status: string): string => status.slice(0, status.indexOf(","));

/** Clocks of file systems advance in steps of up to 10 ms. */
const clockStep = 50;

/**
 * Whether the files of a folder still hold what they held. A file counts as unchanged if its size, times and place are the same and its time of change is
 * reliable. Programs can set the time of writing, but only the system sets the time of change. It is not reliable in whole seconds, as in mounted images and
 * archives, or if it is so recent that a later change may share it. All other files are read, and their content decides.
 * @throws TangentLabError `file-system` for a file that cannot be read.
 */
export async function unchanged(
  root: string,
  files: readonly string[],
  kept: readonly FileState[],
): Promise<boolean> {
  if (files.length !== kept.length || files.some((file, i) => file !== kept[i]!.name)) return false;
  for (const [i, { name, status, hash, at }] of kept.entries()) {
    const path = join(root, name);
    const now = statusAt(path);
    if (sizeOf(now.status) !== sizeOf(status)) return false;
    const believed = now.changed % 1_000_000_000n !== 0n && Number(now.changed / 1_000_000n) < at - clockStep;
    const same = now.status === status && believed;
    if (!same && (await hashOfFile(path, Number(sizeOf(status)))) !== hash) return false;
    if (!same || i % 500 === 0) await setImmediate(); // signals have their turn
  }
  return true;
}
