import { check } from "../src/errors.js";
import { type CaptionedDataset, captioned } from "./captioned.js";
import { captionedFolder } from "./captioned-folder.js";
import { checkImages, type ImagesOptions } from "./images.js";
import { pixelsOf } from "./picture-set.js";
import { openPictures, pictureFormat } from "./sources/open.js";

/** Options of `captionedImages`. */
export interface CaptionedImagesOptions extends Omit<ImagesOptions, "label" | "onDisk" | "channels"> {
  /**
   * Where captions are: the column of Parquet files, of text or lists of texts; the ending of files ("txt") or the field of .json files in WebDataset shards.
   * Default the first that is there of `text`, `caption`, `captions`, `prompt`, `sentences`, `txt`.
   */
  caption?: string;
}

/**
 * Pictures with captions, by what the path is, as `images` reads them: Parquet files, WebDataset shards, a zip file with captions.jsonl, metadata.jsonl or
 * metadata.csv in it. A folder of pictures with such a file is `captionedFolder`'s, whose pictures must have one size.
 * @throws TangentLabError as `images`, and where there are no captions, or one is blank.
 */
export async function captionedImages(
  path: string | readonly string[],
  options: CaptionedImagesOptions = {},
): Promise<CaptionedDataset> {
  check.only("captionedImages", options, [
    ...["size", "maxBytes", "onProgress", "signal"],
    ...["image", "caption", "split"],
  ]);
  checkImages(path, options);
  const { image, caption, split, maxBytes, ...rest } = options;
  const limit = { ...(maxBytes !== undefined && { maxBytes }) };
  if ((await pictureFormat(path)) === "folder") {
    for (const [name, given] of Object.entries({ image, caption, split }))
      check(given === undefined, name, given, "not for a folder of pictures");
    return captionedFolder(path as string, { ...limit, ...rest });
  }
  const source = await openPictures(path, {
    image,
    caption,
    split,
    maxBytes,
    captioned: true,
    signal: rest.signal,
  });
  const { pixels, side, channels } = await pixelsOf(source, { ...rest, ...limit });
  const width = side * side * channels;
  return captioned<number>({
    name: source.name,
    shape: [side, side, channels],
    attributes: {},
    scenes: Array.from({ length: source.count }, (_, i) => i),
    variants: 1,
    contents: () => [pixels],
    describe: (i) => ({ attributes: {}, captions: source.captions![i]!, heldOut: false }),
    write: (i, _variant, out, offset) => {
      for (let k = 0; k < width; k++) out[offset + k] = pixels[i * width + k]! / 127.5 - 1;
    },
  });
}
