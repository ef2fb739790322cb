import { PNG } from "pngjs";
import type { Metadata, Sharp, SharpConstructor } from "sharp";
import { TangentLabError } from "../errors.js";
import { bmpSize, decodeBmp } from "./bmp.js";
import type { DecodedImage } from "./decoded-image.js";
import { foreignContent } from "./foreign.js";
import { type ImageKind, imageKind } from "./image-kind.js";
import { allocate, byteLimit, checkDeclared, type ReadLimit } from "./limits.js";
import { decodePlainPng } from "./plain-png.js";
import { pngLayout } from "./png-layout.js";

/**
 * A picture file's pixels as a viewer shows them: PNG, JPEG, WebP, GIF (its first frame), BMP, AVIF or TIFF, told apart by how the bytes begin; turned as its
 * orientation says, colours in sRGB, what is transparent over white. Bytes after its end are left aside.
 *
 * Of several pictures in one file it is the first, and of 16 bits the upper 8: a value v becomes floor(v / 256).
 *
 * sharp (libvips) decodes. It takes 0.6 ms for a picture of 32 x 32 whose pixels `decodePlainPng` inflates in 0.1 ms, and so plain small PNG files, of which
 * data sets have thousands, go there, and those with a palette to pngjs; for a JPEG of 12 megapixels it takes 57 ms and 100 MB where jpeg-js took 660 ms and 300 MB. WebAssembly was slower in both (wasm-vips
 * 0.9 ms and 150 ms, 100 MB at the start) and is not much smaller (13 MB installed, sharp 20 MB, from the npm registry alone).
 * @param name for errors.
 * @throws TangentLabError `corrupt-file` if it is none of these, or not complete; `invalid-data` if decoding takes more than `maxBytes`.
 */
export async function decodeImage(
  bytes: Uint8Array,
  name: string,
  options: ReadLimit = {},
): Promise<DecodedImage> {
  const limit = byteLimit(options, bytes.length);
  const kind = imageKind(bytes);
  if (kind === undefined) {
    const foreign = foreignContent(bytes);
    throw new TangentLabError(
      "corrupt-file",
      `${name} is neither PNG nor JPEG nor WebP, GIF, BMP, AVIF or TIFF${foreign ? `: ${foreign}` : ""}`,
      { argument: "path" },
    );
  }
  try {
    if (kind === "PNG") return await decodePng(bytes, name, limit);
    if (kind === "BMP") {
      const { width, height } = bmpSize(bytes);
      checkDeclared(name, `${width} x ${height} pixels`, width * height * 3, limit);
      return allocate(name, width * height * 3, () => decodeBmp(bytes));
    }
    return await decodeAny(bytes, kind, name, limit);
  } catch (cause) {
    if (cause instanceof TangentLabError) throw cause;
    throw incomplete(name, kind, (cause as Error).message, cause);
  }
}

function incomplete(name: string, kind: ImageKind, why: string, cause?: unknown): TangentLabError {
  const line = why.split("\n")[0]!.slice(0, 200); // libvips repeats itself
  return new TangentLabError("corrupt-file", `${name} is not a complete ${kind} image (${line})`, {
    argument: "path",
    cause,
  });
}

/** Up to how many pixels a PNG file is small. */
const smallPixels = 128 * 128;

async function decodePng(bytes: Uint8Array, name: string, limit: number): Promise<DecodedImage> {
  const layout = pngLayout(bytes);
  if (typeof layout === "string") throw incomplete(name, "PNG", layout);
  const { width, height, depth, interlaced, hasProfile, end } = layout;
  const isSmall = depth === 8 && !interlaced && !hasProfile && width * height <= smallPixels;
  const picture = bytes.subarray(0, end);
  if (!isSmall) return decodeAny(picture, "PNG", name, limit);
  if (!layout.hasPalette && !layout.hasClearColour) return decodePlainPng(picture, layout);
  return overWhite(PNG.sync.read(Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength)));
}

function overWhite({ width, height, data }: DecodedImage): DecodedImage {
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const alpha = data[4 * i + 3]! / 255;
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = Math.round(alpha * data[4 * i + c]! + (1 - alpha) * 255);
  }
  return { width, height, data: rgb };
}

let loading: Promise<SharpConstructor> | undefined;

/** sharp, without its cache of operations: no picture is decoded twice. */
function sharp(): Promise<SharpConstructor> {
  loading ??= import("sharp").then(
    ({ default: library }) => {
      library.cache(false);
      return library;
    },
    (cause: unknown) => {
      throw new TangentLabError(
        "file-system",
        "the package sharp, which decodes pictures, is not installed for this machine: npm install sharp",
        { cause },
      );
    },
  );
  return loading;
}

/**
 * Bytes that a pixel takes while it is decoded, as measured with pictures of 12 megapixels. Rows are decoded one by one where the format allows it; turning,
 * interlacing, progressive JPEG and the formats that are decoded as a whole need more than the result.
 */
function bytesPerPixel(kind: ImageKind, metadata: Metadata): number {
  const { isProgressive, orientation = 1, chromaSubsampling } = metadata;
  const turned = orientation > 1 ? 3 : 0;
  const whole = {
    JPEG: chromaSubsampling === "4:2:0" ? 3 : 6,
    PNG: 8,
    BMP: 0,
    WebP: 9,
    GIF: 12, // with a copy of the frame before, which some frames ask for
    TIFF: 5,
    AVIF: 17,
  };
  const byRow = (kind === "JPEG" || kind === "PNG") && !isProgressive;
  return 3 + turned + (byRow ? 0 : whole[kind]);
}

/** Bytes of the rows that libvips holds on their way, where they are wider than the pictures above: as measured with 65,304 pixels in a row. */
const bytesOfRows = (width: number, height: number): number =>
  3 * Math.max(0, width - 4096) * (Math.min(height, 512) + 128);

async function decodeAny(
  bytes: Uint8Array,
  kind: ImageKind,
  name: string,
  limit: number,
): Promise<DecodedImage> {
  const open = await sharp();
  const picture = (): Sharp => open(bytes, { failOn: "error", limitInputPixels: false });
  const metadata = await picture().metadata();
  const { width = 0, height = 0 } = metadata;
  const needed = width * height * bytesPerPixel(kind, metadata) + bytesOfRows(width, height);
  checkDeclared(name, `${width} x ${height} pixels`, needed, limit);
  const { data, info } = await picture()
    .autoOrient()
    .flatten({ background: "#fff" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw incomplete(name, kind, `${info.channels} channels`);
  return { width: info.width, height: info.height, data };
}
