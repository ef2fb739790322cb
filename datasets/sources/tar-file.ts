import { Header, Pax } from "tar";
import { TangentLabError } from "../../src/errors.js";
import { withFile } from "../../src/io/files.js";
import { foreignContent } from "../../src/io/foreign.js";
import { readAhead } from "../../src/io/read-ahead.js";
import { brief } from "./source.js";

/** A file within a tar file: where its bytes are. */
export interface TarEntry {
  path: string;
  begin: number;
  size: number;
}

const block = 512;
/** Headers of other entries are no longer than this: paths and what pax adds. */
const mostExtra = 2 ** 20;

/**
 * The files in a tar file, in its order, by its headers alone: ustar, pax and GNU's long names.
 * @throws TangentLabError `corrupt-file` naming the file, with how far it is whole; `file-system` if it cannot be read; the signal's reason.
 */
export function tarEntries(path: string, signal?: AbortSignal): Promise<TarEntry[]> {
  return withFile(path, async (file) => {
    const entries: TarEntry[] = [];
    const corrupt = (why: string): TangentLabError =>
      new TangentLabError("corrupt-file", `${path} is no complete tar file: ${why}`, { argument: "path" });
    const half = (name: string, end: number): TangentLabError =>
      corrupt(
        `half a shard: ${brief(name)} should end at byte ${end} of ${file.size}, after ${entries.length} whole files`,
      );
    const read = readAhead(file);
    let at = 0;
    let local: Pax | undefined;
    let common: Pax | undefined;
    let longPath: string | undefined;
    while (at + block <= file.size) {
      signal?.throwIfAborted();
      const bytes = await read(at, at + block);
      let header: Header;
      try {
        header = new Header(bytes, 0, local, common);
      } catch {
        throw corrupt(`its header at byte ${at} cannot be read`);
      }
      if (header.nullBlock) return entries;
      if (!header.cksumValid) {
        const foreign = at === 0 ? foreignContent(bytes) : undefined;
        throw corrupt(
          foreign ?? (at === 0 ? "it does not begin as one" : `its header at byte ${at} is damaged`),
        );
      }
      const { type } = header;
      const size = header.size ?? 0;
      const begin = at + block;
      const end = begin + size;
      const name = longPath ?? header.path ?? "";
      if (!(Number.isSafeInteger(size) && size >= 0)) throw corrupt(`${brief(name)} declares ${size} bytes`);
      if (end > file.size) throw half(name, end);
      at = begin + Math.ceil(size / block) * block;
      const isExtra =
        type === "ExtendedHeader" || type === "GlobalExtendedHeader" || type === "NextFileHasLongPath";
      if (isExtra) {
        if (size > mostExtra) throw corrupt(`a header of ${size} bytes`);
        const text = new TextDecoder().decode(await read(begin, end));
        if (type === "NextFileHasLongPath") longPath = text.split("\0")[0]!;
        else if (type === "ExtendedHeader") local = Pax.parse(text, local, false);
        else common = Pax.parse(text, common, true);
        continue;
      }
      if (type === "File" || type === "OldFile" || type === "ContiguousFile")
        if (!name.endsWith("/")) entries.push({ path: name, begin, size });
      if (type !== "NextFileHasLongLinkpath") [local, longPath] = [undefined, undefined];
    }
    if (at === 0) throw corrupt("it is too short for one");
    if (at < file.size) throw half("a header", at + block);
    // Blocks of zeros end a tar file. Downloads stop at whole blocks, and so often between two files.
    throw corrupt(`half a shard: it ends after ${entries.length} whole files, without the mark of its end`);
  });
}
