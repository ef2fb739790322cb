// node:fs/promises of a process that is killed: after so many operations none comes back. What the system does in several steps, such as removing a folder, is as many operations here.
import { promises as fs } from "node:fs";
import { join } from "node:path";

let left = Number.POSITIVE_INFINITY;
let died = (): void => {};
const opened = new Set<{ close(): Promise<void> }>();

/** Resolves once the process is dead: when the operation after `count` others is asked for. */
export const killedAfter = (count: number): Promise<void> =>
  new Promise((resolve) => {
    left = count;
    died = resolve;
  });

/** Comes back if the process is alive. */
async function alive(): Promise<void> {
  if (left-- > 0) return;
  await Promise.all([...opened].map((file) => file.close())); // as the system does
  died();
  await new Promise(() => {});
}

const counted =
  <Args extends unknown[], Result>(operation: (...args: Args) => Promise<Result>) =>
  async (...args: Args): Promise<Result> => {
    await alive();
    return operation(...args);
  };

export const { constants } = fs;
export const access = counted(fs.access);
export const chmod = counted(fs.chmod);
export const cp = counted(fs.cp);
export const link = counted(fs.link);
export const lstat = counted(fs.lstat);
export const mkdir = counted(fs.mkdir);
export const mkdtemp = counted(fs.mkdtemp);
export const readdir = counted(fs.readdir as (path: string, options: object) => Promise<unknown>);
export const readFile = counted(fs.readFile as (path: string, options: object) => Promise<unknown>);
export const readlink = counted(fs.readlink);
export const realpath = counted(fs.realpath);
export const rename = counted(fs.rename);
export const stat = counted(fs.stat);
export const symlink = counted(fs.symlink);

interface OpenFile {
  stat(): Promise<unknown>;
  read(...args: unknown[]): Promise<unknown>;
  writeFile(content: string | Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export async function open(...args: Parameters<typeof fs.open>): Promise<OpenFile> {
  await alive();
  const file = await fs.open(...args);
  opened.add(file);
  return {
    stat: counted(file.stat.bind(file)),
    read: counted(file.read.bind(file) as (...args: unknown[]) => Promise<unknown>),
    writeFile: (content: string | Uint8Array) =>
      halves(content, async (half) => void (await file.writeFile(half))),
    sync: alive, // no disk is waited for
    close: async () => {
      await alive();
      opened.delete(file);
      await file.close();
    },
  };
}

export async function writeFile(
  path: string,
  content: string | Uint8Array,
  options?: { flag?: string },
): Promise<void> {
  const file = await open(path, options?.flag ?? "w");
  await file.writeFile(content);
  await file.close();
}

async function halves(
  content: string | Uint8Array,
  write: (half: Uint8Array) => Promise<void>,
): Promise<void> {
  const bytes = Buffer.from(content as string);
  for (const half of [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)]) {
    await alive();
    await write(half);
  }
}

/** Entry by entry, as the system does it. */
export async function rm(
  path: string,
  options: { recursive?: boolean; force?: boolean } = {},
): Promise<void> {
  const isFolder = await fs.lstat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
  if (isFolder && options.recursive)
    for (const name of await fs.readdir(path)) await rm(join(path, name), options);
  await alive();
  if (isFolder && options.recursive) await fs.rmdir(path);
  else await fs.rm(path, options);
}
