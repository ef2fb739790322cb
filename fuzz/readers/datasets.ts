import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { readIdx } from "../../datasets/idx.js";
import { captionedFolder, cifar10, imageFolder } from "../../datasets/index.js";
import { encodePng } from "../../src/io/png.js";
import { json, type Reader } from "../reader.js";

const idx = Buffer.concat([Buffer.of(0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 4), Buffer.alloc(48, 9)]);
const pictures = [0, 0.5].map((value, i) => ({
  name: ["a.png", "b.png"][i]!,
  bytes: encodePng({ data: new Float32Array(48).fill(value), shape: [4, 4, 3] }),
}));

/** Puts two pictures into a folder. */
function writePictures(folder: string): void {
  for (const { name, bytes } of pictures) writeFileSync(join(folder, name), bytes);
}

/** A file of captions beside two pictures. */
const captions = (name: string, files: readonly string[], tokens: readonly string[]): Reader => ({
  name: name.replace(".", "-"),
  files: async () => files.map((text) => Buffer.from(text)),
  tokens,
  read: async (bytes, folder) => {
    writePictures(folder);
    writeFileSync(join(folder, name), bytes);
    await captionedFolder(folder);
  },
});

/** Reads two pictures with a cache in another folder. */
async function cachedPictures(folder: string): Promise<string> {
  const path = join(folder, "pictures");
  mkdirSync(path, { recursive: true });
  writePictures(path);
  process.env.XDG_CACHE_HOME = join(folder, "cache");
  return (await imageFolder(path)).fingerprint!();
}

const cacheFile = (folder: string): string => {
  const cache = join(folder, "cache", "tangent-lab");
  return join(cache, readdirSync(cache)[0]!);
};

export const datasets: Reader[] = [
  {
    name: "idx",
    files: async () => [idx, gzipSync(idx)],
    damage: (file, change, draw) =>
      file[0] === 0x1f && draw(2) ? gzipSync(change(gunzipSync(file))) : change(file),
    read: async (bytes, folder) => {
      writeFileSync(join(folder, "a"), bytes);
      await readIdx(join(folder, "a"), 3);
    },
  },
  {
    name: "cifar-names",
    files: async () => [Buffer.from("plane\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n")],
    read: async (bytes, folder) => {
      writeFileSync(join(folder, "data_batch_1.bin"), Buffer.alloc(3073));
      writeFileSync(join(folder, "batches.meta.txt"), bytes);
      await cifar10(folder);
    },
  },
  captions(
    "captions.jsonl",
    ['{"file": "a.png", "caption": "a"}\n{"file_name": "b.png", "captions": ["b", "c"]}\n'],
    json,
  ),
  captions(
    "metadata.csv",
    ['file_name,text\na.png,"a, ""b"""\nb.png,c\n'],
    ['"', "\n", "\r", ",", "\0", "../"],
  ),
  {
    // What is kept must never be believed when it is damaged: the pictures are decoded anew.
    name: "cache",
    share: 2,
    files: async () => [new Uint8Array(0)],
    tokens: json,
    read: async (bytes, folder) => {
      const expected = await cachedPictures(folder);
      const path = cacheFile(folder);
      const whole = Buffer.from(readFileSync(path));
      // The damage of an empty file is what is put in the place of some of the real one.
      const at = (bytes.length * 97) % whole.length;
      writeFileSync(path, Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + bytes.length)]));
      if ((await cachedPictures(folder)) !== expected)
        throw new Error("other pictures than those of the files");
      rmSync(join(folder, "cache"), { recursive: true });
    },
  },
];
