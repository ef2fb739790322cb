import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { PNG } from "pngjs";
import sharp from "sharp";
import { decodeImage } from "../../src/io/decode-image.js";
import type { Reader } from "../reader.js";

const inputs = fileURLToPath(new URL("../../test/fixtures/inputs/", import.meta.url));
const fixtures = (folder: string, ending: RegExp): Uint8Array[] =>
  readdirSync(join(inputs, folder))
    .filter((name) => ending.test(name))
    .map((name) => readFileSync(join(inputs, folder, name)));

const read = (bytes: Uint8Array): Promise<unknown> => decodeImage(bytes, "picture");

/** A picture with some of everything. */
const picture = () =>
  sharp(
    Uint8Array.from({ length: 24 * 16 * 4 }, (_, i) => (i * i) % 255),
    { raw: { width: 24, height: 16, channels: 4 } },
  );

/** Sets the checksums of all chunks right. */
function withChecksums(bytes: Uint8Array): Uint8Array {
  const out = Buffer.from(bytes);
  for (let at = 8; at + 12 <= out.length; ) {
    const next = at + 12 + out.readUInt32BE(at);
    if (next > out.length) break;
    out.writeUInt32BE(crc32(out.subarray(at + 4, next - 4)), next - 4);
    at = next;
  }
  return out;
}

export const images: Reader[] = [
  {
    name: "png",
    files: async () => {
      const png = new PNG({ width: 9, height: 7 });
      png.data.forEach((_, i) => {
        png.data[i] = (i * 31) % 256;
      });
      return [
        ...([0, 2, 4, 6] as const).map((colorType) => PNG.sync.write(png, { colorType })),
        await picture().png({ progressive: true }).toBuffer(),
        await picture().png({ palette: true, colours: 7 }).toBuffer(),
        await picture().toColourspace("rgb16").png().toBuffer(),
        await picture().withMetadata({ orientation: 6 }).png().toBuffer(),
        ...fixtures("pictures", /\.png$/),
      ];
    },
    damage: (file, change, draw) => (draw(4) ? withChecksums(change(file)) : change(file)),
    read,
  },
  {
    name: "jpeg",
    share: 12,
    files: async () => [
      await picture().jpeg().toBuffer(),
      await picture().jpeg({ progressive: true, chromaSubsampling: "4:4:4" }).toBuffer(),
      await picture().grayscale().jpeg().toBuffer(),
      ...fixtures("pictures", /\.jpg$/),
    ],
    read,
  },
  {
    // Its colours go through a profile, which takes most of the time.
    name: "jpeg-cmyk",
    share: 1,
    files: async () => [await picture().toColourspace("cmyk").jpeg().toBuffer()],
    read,
  },
  {
    name: "webp",
    share: 10,
    files: async () => [
      await picture().webp().toBuffer(),
      await picture().webp({ lossless: true }).toBuffer(),
      await picture().withMetadata({ orientation: 3 }).webp().toBuffer(),
    ],
    read,
  },
  { name: "gif", share: 10, files: async () => [await picture().gif().toBuffer()], read },
  { name: "bmp", files: async () => fixtures("bmp", /\.bmp$/), read },
  { name: "avif", share: 12, files: async () => [await picture().avif({ effort: 0 }).toBuffer()], read },
  {
    name: "tiff",
    share: 12,
    files: async () =>
      Promise.all(
        (["none", "lzw", "deflate", "jpeg", "packbits"] as const).map((compression) =>
          picture().tiff({ compression }).toBuffer(),
        ),
      ),
    read,
  },
];
