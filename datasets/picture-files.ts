import type { Dirent, Stats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileSystemError } from "../src/io/files.js";
import { imageExtensions } from "../src/io/image-kind.js";

/** What is in a folder and everything below it. */
export interface PictureFiles {
  /** Paths within the folder, sorted. */
  files: string[];
  /** Folders within it, sorted. */
  folders: string[];
  /** What was left out: how many, by the reason. */
  leftOut: Map<string, number>;
}

/** Formats of pictures, as their endings tell, that cannot be read. */
const unreadable =
  /^\.(heic|heif|hif|jxl|jp2|j2k|jxr|svg|svgz|psd|xcf|ico|tga|ppm|pgm|pbm|pnm|exr|hdr|dng|cr2|cr3|nef|arw|raf|orf|rw2|eps|pdf)$/;

/** What systems leave beside files of the user's. */
const ofTheSystem = /^(thumbs\.db|desktop\.ini|__macosx)$/i;

/**
 * The pictures in a folder and below it, as their endings tell. Links to files and folders are followed, wherever they lead; what systems leave beside
 * pictures ("._a.png", ".DS_Store") is not seen.
 * @throws TangentLabError `file-system` for a folder that cannot be read.
 */
export async function pictureFiles(root: string): Promise<PictureFiles> {
  const found: PictureFiles = { files: [], folders: [], leftOut: new Map() };
  await visit(root, "", [], found);
  found.files.sort();
  found.folders.sort();
  return found;
}

/** @param above The real paths of the folders that lead here: a link to one of them would never end. */
async function visit(
  root: string,
  inside: string,
  above: readonly string[],
  found: PictureFiles,
): Promise<void> {
  const folder = join(root, inside);
  const failed = (cause: unknown): never => {
    throw fileSystemError("read", folder, cause);
  };
  const here = await realpath(folder).catch(failed);
  const leave = (reason: string): void => {
    found.leftOut.set(reason, (found.leftOut.get(reason) ?? 0) + 1);
  };
  if (above.includes(here)) return leave("links to a folder that contains them");
  if (inside !== "") found.folders.push(inside);
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(failed);
  for (const entry of entries) {
    if (entry.name.startsWith(".") || ofTheSystem.test(entry.name)) continue;
    const path = join(inside, entry.name);
    const kind = entry.isSymbolicLink() ? await linkedKind(join(root, path)) : kindOf(entry);
    const extension = extname(entry.name).toLowerCase();
    const isPicture = imageExtensions.includes(extension);
    if (kind === "folder") await visit(root, path, [...above, here], found);
    else if (kind === "other") leave("neither files nor folders");
    // A broken link that should be a picture is an error when it is read.
    else if (isPicture) found.files.push(path);
    else if (kind === "broken") leave("links to missing files");
    else if (unreadable.test(extension)) leave(`${extension} (a format that cannot be read)`);
    else leave(`${extension || "without an ending"} (no picture)`);
  }
}

const kindOf = (known: Dirent | Stats): "file" | "folder" | "other" =>
  known.isFile() ? "file" : known.isDirectory() ? "folder" : "other";

const linkedKind = (path: string): Promise<ReturnType<typeof kindOf> | "broken"> =>
  stat(path).then(kindOf, () => "broken");

/** What was left out in words, or nothing. */
export function leftOutText(folder: string, { leftOut }: PictureFiles): string | undefined {
  if (leftOut.size === 0) return undefined;
  const parts = [...leftOut]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([reason, count]) => `${count} ${reason}`);
  return `${folder}: left out ${parts.join("; ")}`;
}
