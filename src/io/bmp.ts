/** RGB pixels [height, width, 3] of a Windows bitmap. */
export interface Bitmap {
  width: number;
  height: number;
  data: Uint8Array;
}

/** What stands before the pixels. */
interface Header {
  width: number;
  height: number;
  /** Whether the first row of the file is the lowest of the picture. */
  bottomUp: boolean;
  bits: number;
  compression: number;
  /** Where the pixels begin. */
  offset: number;
  palette: Uint8Array;
  /** Which bits of a pixel are red, green and blue. */
  masks: readonly [number, number, number];
}

const [plain, runs8, runs4, bitFields, alphaBitFields] = [0, 1, 2, 3, 6];

/** Width and height. @throws Error saying what is wrong. */
export const bmpSize = (bytes: Uint8Array): { width: number; height: number } => {
  const { width, height } = header(bytes);
  return { width, height };
};

/**
 * Decodes a Windows bitmap of 1, 4, 8, 16, 24 or 32 bits a pixel, also with runs; transparency is ignored, as in viewers. Written here: the packages for it
 * ignore palettes (fast-bmp 4.0), or where the pixels begin, and lose all after the first row of odd width (bmp-ts 1.0).
 * @throws Error saying what is wrong.
 */
export function decodeBmp(bytes: Uint8Array): Bitmap {
  const head = header(bytes);
  const { width, height, bits, compression } = head;
  const data = new Uint8Array(width * height * 3);
  const row = (y: number): number => (head.bottomUp ? height - 1 - y : y) * width;
  const put = (pixel: number, colour: number): void => {
    if (4 * colour + 3 > head.palette.length) throw new Error(`it has no colour ${colour}`);
    for (let c = 0; c < 3; c++) data[3 * pixel + c] = head.palette[4 * colour + 2 - c]!;
  };
  if (compression === runs8 || compression === runs4) {
    for (let pixel = 0; pixel < width * height; pixel++) put(pixel, 0);
    decodeRuns(bytes, head, (x, y, colour) => {
      if (x < width && y < height) put(row(y) + x, colour);
    });
    return { width, height, data };
  }
  const stride = 4 * Math.ceil((width * bits) / 32);
  const value = pixelReader(bytes, head);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = row(y) + x;
      const raw = value(head.offset + y * stride, x);
      if (bits <= 8) put(pixel, raw);
      else for (let c = 0; c < 3; c++) data[3 * pixel + c] = channel(raw, head.masks[c]!);
    }
  }
  return { width, height, data };
}

function header(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 26) throw new Error("it is cut short");
  const size = view.getUint32(14, true);
  const isCore = size === 12; // OS/2's first version
  if (!isCore && size < 40) throw new Error(`its header has ${size} bytes`);
  if (14 + size > bytes.length) throw new Error("it is cut short");
  const offset = view.getUint32(10, true);
  const width = isCore ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = isCore ? view.getUint16(20, true) : view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  const bits = view.getUint16(isCore ? 24 : 28, true);
  const compression = isCore ? plain : view.getUint32(30, true);
  if (width < 1 || height < 1) throw new Error(`it declares ${width} x ${height} pixels`);
  const hasMasks = compression === bitFields || compression === alphaBitFields;
  const fits =
    compression === plain
      ? [1, 4, 8, 16, 24, 32].includes(bits)
      : (compression === runs8 && bits === 8) ||
        (compression === runs4 && bits === 4) ||
        (hasMasks && (bits === 16 || bits === 32));
  if (!fits) throw new Error(`it has ${bits} bits a pixel, stored in the way ${compression}`);
  const isRuns = compression === runs8 || compression === runs4;
  const needed = isRuns ? 2 : height * 4 * Math.ceil((width * bits) / 32);
  // The bytes that fill up the last row are sometimes missing.
  if (offset < 14 + size || offset + needed > bytes.length + 3)
    throw new Error(`it declares ${width} x ${height} pixels, which its ${bytes.length} bytes do not hold`);
  if (hasMasks && bytes.length < 66) throw new Error("it is cut short");
  const mask = (i: number): number => view.getUint32(54 + 4 * i, true);
  const [red, green, blue] =
    bits === 16 ? ([0x7c00, 0x03e0, 0x001f] as const) : ([0xff0000, 0x00ff00, 0x0000ff] as const);
  return {
    width,
    height,
    bits,
    compression,
    offset,
    bottomUp: signedHeight > 0,
    palette: palette(bytes.subarray(14 + size, offset), isCore),
    masks: hasMasks ? [mask(0), mask(1), mask(2)] : [red, green, blue],
  };
}

/** Blue, green, red and nothing for each colour; three bytes each in OS/2's first version. */
function palette(stored: Uint8Array, isCore: boolean): Uint8Array {
  const colours = stored.subarray(0, isCore ? 768 : 1024);
  if (!isCore) return colours;
  return Uint8Array.from({ length: Math.floor(colours.length / 3) * 4 }, (_, i) =>
    i % 4 === 3 ? 0 : colours[3 * Math.floor(i / 4) + (i % 4)]!,
  );
}

/** The number of a pixel at `x` of the row that begins at `start`. */
function pixelReader(bytes: Uint8Array, { bits }: Header): (start: number, x: number) => number {
  const byte = (at: number): number => bytes[at] ?? 0;
  if (bits <= 8) {
    const each = 8 / bits;
    return (start, x) =>
      (byte(start + Math.floor(x / each)) >> (8 - bits - (x % each) * bits)) & ((1 << bits) - 1);
  }
  const width = bits / 8;
  return (start, x) => {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + byte(start + x * width + i);
    return value;
  };
}

/** The bits of a mask, spread to 0 ... 255. */
function channel(pixel: number, mask: number): number {
  if (mask === 0) return 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const most = mask >>> shift;
  return Math.round((((pixel & mask) >>> shift) / most) * 255);
}

/** Calls `set` for each pixel of runs of colours, in the file's order of rows. */
function decodeRuns(
  bytes: Uint8Array,
  { bits, offset, width, height }: Header,
  set: (x: number, y: number, colour: number) => void,
): void {
  let [at, x, y] = [offset, 0, 0];
  const next = (): number => {
    if (at >= bytes.length) throw new Error("it is cut short");
    return bytes[at++]!;
  };
  const half = (byte: number, i: number): number => (bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
  while (y < height) {
    const [count, code] = [next(), next()];
    if (count > 0) for (let i = 0; i < count; i++) set(x++, y, half(code, i));
    else if (code === 0) [x, y] = [0, y + 1];
    else if (code === 1) return;
    else if (code === 2) [x, y] = [x + next(), y + next()];
    else {
      const length = bits === 8 ? code : Math.ceil(code / 2);
      const stored = Array.from({ length }, next);
      if (length % 2 === 1) next();
      for (let i = 0; i < code; i++) set(x++, y, half(stored[bits === 8 ? i : i >> 1]!, i));
    }
    if (x > width + 255) throw new Error("a row is longer than the picture is wide");
  }
}
