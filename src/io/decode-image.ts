import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { TangentLabError } from "../errors.js";

/** RGB pixels [height, width, 3], 0 ... 255. */
export interface DecodedImage {
  width: number;
  height: number;
  data: Uint8Array;
}

/** The endings of files that `decodeImage` reads. */
export const imageExtensions: readonly string[] = [".png", ".jpg", ".jpeg"];

/**
 * A PNG or JPEG file's pixels, told apart by how the bytes begin; transparent ones over white.
 * @param name for the error.
 * @throws TangentLabError `corrupt-file` if it is neither, or not complete.
 */
export function decodeImage(bytes: Uint8Array, name: string): DecodedImage {
  const { width, height, data } = decodeRgba(bytes, name);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const alpha = data[4 * i + 3]! / 255;
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = Math.round(alpha * data[4 * i + c]! + (1 - alpha) * 255);
  }
  return { width, height, data: rgb };
}

function decodeRgba(bytes: Uint8Array, name: string): DecodedImage {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  if (!isPng && !isJpeg) {
    throw new TangentLabError("corrupt-file", `${name} is neither PNG nor JPEG`, { argument: "path" });
  }
  try {
    // Without its tolerance, jpeg-js refuses files cut short; the limit is what one image may take while it is decoded.
    return isPng
      ? PNG.sync.read(buffer)
      : jpeg.decode(buffer, { useTArray: true, tolerantDecoding: false, maxMemoryUsageInMB: 2048 });
  } catch (cause) {
    const kind = isPng ? "PNG" : "JPEG";
    throw new TangentLabError(
      "corrupt-file",
      `${name} is not a complete ${kind} image (${(cause as Error).message})`,
      { argument: "path", cause },
    );
  }
}
