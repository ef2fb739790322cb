import { lstat, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { type CudaLink, cudaMark, providerLibraries } from "../../engine/onnx/cuda.js";
import { TangentLabError } from "../../errors.js";
import { fileSystemError, writeFileAtomically } from "../../io/files.js";
import { sweep, temporaryName } from "../../io/temporary.js";
import type { CudaWheel } from "./wheel.js";

/** What was in the folder before: where each link led, and the file that says so. */
interface Before {
  mark: string | undefined;
  links: Map<string, string | undefined>;
}

/**
 * Links a wheel's CUDA provider beside onnxruntime-node's binary, and writes what to load before it. Links are made beside and renamed; where one cannot be, all is
 * as before.
 * @throws TangentLabError `invalid-data` if the provider is there and not from here; `file-system` if the folder cannot be written.
 */
export async function link(wheel: CudaWheel, folder: string): Promise<void> {
  const before = await ours(folder);
  const { version, python, libraries } = wheel;
  const mark: CudaLink = { version, python, libraries };
  try {
    await writeFileAtomically(join(folder, cudaMark), `${JSON.stringify(mark, null, 1)}\n`);
    for (const name of providerLibraries) await linkTo(wheel.providers[name]!, join(folder, name));
  } catch (cause) {
    await restore(before, folder);
    throw fileSystemError("write", folder, cause);
  }
}

/** Removes what `link` made. Resolves to whether there was anything. @throws TangentLabError `invalid-data` if the provider is not from here. */
export async function unlink(folder: string): Promise<boolean> {
  const { mark } = await ours(folder);
  await sweep(folder);
  if (mark === undefined) return false;
  try {
    // The file that says what is ours goes last.
    for (const name of [...providerLibraries, cudaMark]) await rm(join(folder, name), { force: true });
  } catch (cause) {
    throw fileSystemError("remove", folder, cause);
  }
  return true;
}

/** @throws TangentLabError `invalid-data` if a library is there that is no link of ours. */
async function ours(folder: string): Promise<Before> {
  const mark = await readFile(join(folder, cudaMark), "utf8").catch(() => undefined);
  const links = new Map<string, string | undefined>();
  for (const name of providerLibraries) {
    const path = join(folder, name);
    const found = await lstat(path).catch(() => undefined);
    if (found && (mark === undefined || !found.isSymbolicLink()))
      throw new TangentLabError("invalid-data", `${path} is there, and not from link-cuda`, {
        argument: "onnxruntime-node",
        allowed: "onnxruntime-node as its package has it: npm install, or remove that file",
      });
    links.set(name, found && (await readlink(path)));
  }
  return { mark, links };
}

async function linkTo(target: string, path: string): Promise<void> {
  const temporary = temporaryName(path);
  await symlink(target, temporary);
  await rename(temporary, path).catch(async (cause: unknown) => {
    await rm(temporary, { force: true });
    throw cause;
  });
}

async function restore({ mark, links }: Before, folder: string): Promise<void> {
  for (const [name, target] of links) {
    const path = join(folder, name);
    const now = await readlink(path).catch(() => undefined);
    if (now === target) continue;
    if (target === undefined) await rm(path, { force: true });
    else await linkTo(target, path);
  }
  const path = join(folder, cudaMark);
  if (mark === undefined) await rm(path, { force: true });
  else await writeFileAtomically(path, mark);
}
