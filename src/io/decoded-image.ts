/** RGB pixels [height, width, 3], 0 ... 255. */
export interface DecodedImage {
  width: number;
  height: number;
  data: Uint8Array;
}
