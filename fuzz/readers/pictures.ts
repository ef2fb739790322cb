import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodedBlocks } from "../../datasets/decoded.js";
import { openPictures } from "../../datasets/sources/open.js";
import { TangentLabError } from "../../src/errors.js";
import { greyPng, hubImage, hubParquet, plainParquet, tarOf, zipOf } from "../packed.js";
import { json, type Reader } from "../reader.js";

/** Of all codecs and encodings, as pyarrow writes them. */
const parquets = fileURLToPath(new URL("../../test/fixtures/parquet", import.meta.url));
const [a, b] = [greyPng(10), greyPng(200)];
const pictures = [hubImage(a), hubImage(b)];

/** Reads a file of pictures under this name, with labels and with captions, without keeping what is decoded: that is the reader `cache`. */
const reads =
  (name: string) =>
  async (bytes: Uint8Array, folder: string): Promise<void> => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    const failures: unknown[] = [];
    for (const captioned of [false, true]) {
      try {
        const source = await openPictures(path, { captioned });
        for await (const _ of decodedBlocks(source, {}, []));
      } catch (error) {
        failures.push(error);
      }
    }
    // One that is none of ours is the one to tell.
    if (failures.length > 0)
      throw failures.find((error) => !(error instanceof TangentLabError)) ?? failures[0];
  };

export const packedPictures: Reader[] = [
  {
    name: "parquet",
    files: async () => [
      hubParquet({ image: pictures, label: [1n, 0n], text: ["a", "b"] }, { classNames: ["x", "y"] }),
      hubParquet({ image: pictures, captions: [["a"], ["b", "c"]] }, { rows: 1 }),
      plainParquet([
        { name: "img", data: [new Uint8Array(a), new Uint8Array(b)], type: "BYTE_ARRAY" },
        { name: "cls", data: ["x", "y"], type: "STRING" },
        { name: "text", data: ["x", "y"], type: "STRING" },
      ]),
      ...readdirSync(parquets).map((name) => readFileSync(join(parquets, name))),
    ],
    tokens: ["PAR1"],
    read: reads("a.parquet"),
  },
  {
    name: "tar",
    files: async () => [
      tarOf([
        ["a.png", a],
        ["a.cls", "0"],
        ["a.txt", "a"],
        ["b.png", b],
        ["b.cls", "1"],
        ["b.txt", "b"],
      ]),
      tarOf([
        ["a.png", a],
        ["a.json", '{"label": "x", "caption": "a"}'],
      ]),
    ],
    tokens: json,
    read: reads("a.tar"),
  },
  {
    name: "picture-zip",
    files: async () => [
      zipOf({ "a/a.png": a, "b/b.png": b, "metadata.csv": "file_name,text\na/a.png,a\nb/b.png,b\n" }),
      zipOf({ "a.png": a, "b.png": b, "dataset.json": '{"labels": [["a.png", 6], ["b.png", 7]]}' }),
    ],
    tokens: json,
    read: reads("a.zip"),
  },
];
