/** What the chunks of a PNG file say, before a pixel is decoded. */
export interface PngLayout {
  width: number;
  height: number;
  /** Bits of a channel. */
  depth: number;
  channels: number;
  interlaced: boolean;
  /** Whether there is an orientation or a colour profile to apply. */
  hasProfile: boolean;
  /** Whether pixels are numbers of a palette's colours. */
  hasPalette: boolean;
  /** Whether a colour stands for transparency (tRNS). */
  hasClearColour: boolean;
  /** Where the compressed pixels are: begin and end of each part. */
  data: readonly (readonly [begin: number, end: number])[];
  /** Where the last chunk ends: some programs append data that are not part of the picture. */
  end: number;
}

/** Channels, and the bits that one may have, by PNG's number for the kind of pixels. */
const kinds: Readonly<Record<number, { channels: number; depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};

/** Names of chunks, four letters each as one number. */
const chunks = {
  IHDR: 0x49484452,
  IDAT: 0x49444154,
  IEND: 0x49454e44,
  eXIf: 0x65584966,
  iCCP: 0x69434350,
  tRNS: 0x74524e53,
} as const;

/** Deflate makes at most 1,032 bytes of one. */
const mostOfOneByte = 1032;

/**
 * Reads the lengths and names of a PNG file's chunks (https://www.w3.org/TR/png-3/#5Chunk-layout).
 * @returns the layout, or what is wrong with it.
 */
export function pngLayout(bytes: Uint8Array): PngLayout | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at: number): number => view.getUint32(at + 4);
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (signature.some((byte, i) => bytes[i] !== byte)) return "it does not begin as one";
  if (bytes.length < 33 || name(8) !== chunks.IHDR || view.getUint32(8) !== 13) return "it has no header";
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, colour, compression, filter, interlace] = [...bytes.subarray(24, 29)];
  const kind = kinds[colour!];
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff)
    return `it declares ${width} x ${height} pixels`;
  if (!kind?.depths.includes(depth!)) return `its header has pixels of kind ${colour} with ${depth} bits`;
  if (compression !== 0 || filter !== 0 || interlace! > 1) return "its header names unknown methods";

  const data: [number, number][] = [];
  let [dataBytes, hasProfile, hasClearColour] = [0, false, false];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const next = at + 12 + view.getUint32(at);
    if (next > bytes.length) return "it is cut short";
    const chunk = name(at);
    if (chunk === chunks.IDAT) {
      data.push([at + 8, next - 4]);
      dataBytes += next - at - 12;
    }
    if (chunk === chunks.eXIf || chunk === chunks.iCCP) hasProfile = true;
    if (chunk === chunks.tRNS) hasClearColour = true;
    if (chunk === chunks.IEND) {
      const needed = height * Math.ceil((width * kind.channels * depth!) / 8);
      if (needed > mostOfOneByte * dataBytes)
        return `it declares ${width} x ${height} pixels, which its ${dataBytes} bytes of data cannot hold`;
      return {
        width,
        height,
        depth: depth!,
        channels: kind.channels,
        interlaced: interlace === 1,
        hasProfile,
        hasPalette: colour === 3,
        hasClearColour,
        data,
        end: next,
      };
    }
    at = next;
  }
  return "it is cut short";
}
