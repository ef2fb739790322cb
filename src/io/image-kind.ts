/** Formats of pictures that can be read. */
export type ImageKind = "PNG" | "JPEG" | "WebP" | "GIF" | "BMP" | "AVIF" | "TIFF";

/** The endings of files that are taken for pictures that `decodeImage` reads. */
export const imageExtensions: readonly string[] = [
  ".png",
  ".jpg",
  ".jpeg",
  ".jpe",
  ".jfif",
  ".webp",
  ".gif",
  ".bmp",
  ".dib",
  ".avif",
  ".tif",
  ".tiff",
];

/** A picture's format by how its bytes begin. */
export function imageKind(bytes: Uint8Array): ImageKind | undefined {
  const at = (offset: number, ...magic: number[]): boolean =>
    magic.every((byte, i) => bytes[offset + i] === byte);
  const text = (offset: number, magic: string): boolean =>
    at(offset, ...Array.from(magic, (letter) => letter.charCodeAt(0)));
  if (at(0, 0x89, 0x50)) return "PNG";
  if (at(0, 0xff, 0xd8)) return "JPEG";
  if (text(0, "RIFF") && text(8, "WEBP")) return "WebP";
  if (text(0, "GIF8")) return "GIF";
  if (text(0, "BM")) return "BMP";
  if (text(4, "ftypavif") || text(4, "ftypavis")) return "AVIF";
  // The brand of AVIF may stand among those that a file is compatible with.
  if (text(4, "ftypmif1") && [16, 20, 24, 28].some((offset) => text(offset, "avif"))) return "AVIF";
  if (at(0, 0x49, 0x49, 42, 0) || at(0, 0x4d, 0x4d, 0, 42)) return "TIFF";
  return undefined;
}
