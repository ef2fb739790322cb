/** The beginning of a text, in lower case, without leading blanks. */
const beginning = (bytes: Uint8Array): string =>
  new TextDecoder("latin1").decode(bytes.subarray(0, 512)).trimStart().toLowerCase();

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, i) => bytes[i] === byte);

/**
 * What a file really is if it is not what its name says, and what to do; undefined if unknown. Downloads that went wrong are HTML pages or Git LFS pointers far
 * more often than they are broken.
 */
export function foreignContent(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "it is empty";
  const text = beginning(bytes);
  if (text.startsWith("version https://git-lfs"))
    return "it is a Git LFS pointer, not the file itself: `git lfs pull` fetches that";
  if (text.startsWith("<!doctype") || text.startsWith("<html") || text.startsWith("<?xml"))
    return "it is a web page or XML: the file may be missing from the server, or need a login";
  if (startsWith(bytes, [0x80, 2]) || startsWith(bytes, [0x80, 4])) return "it is a Python pickle";
  if (startsWith(bytes, [0x50, 0x4b, 3, 4])) return "it is a zip file";
  if (startsWith(bytes, [0x1f, 0x8b])) return "it is compressed with gzip";
  if (startsWith(bytes, [0x89, 0x48, 0x44, 0x46])) return "it is an HDF5 file";
  return undefined;
}
