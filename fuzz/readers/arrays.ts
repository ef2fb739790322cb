import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unzipSync, zipSync } from "fflate";
import { dump } from "npyjs";
import { arrayFile } from "../../datasets/array-file.js";
import { decodeNpy, readNpz } from "../../src/io/npy.js";
import { decodeSafetensors, encodeSafetensors, readSafetensors } from "../../src/io/safetensors.js";
import { json, type Reader } from "../reader.js";
import { withHeader } from "../safetensors.js";

const fixtures = fileURLToPath(new URL("../../test/fixtures/datasets/", import.meta.url));
const files = (ending: string): Uint8Array[] =>
  readdirSync(fixtures)
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(fixtures, name)));

const ofNumPy = [
  "'<f4'",
  "'>i8'",
  "'|O'",
  "'<c16'",
  "'|b1'",
  "True",
  "(",
  ",)",
  "4294967296",
  "-1",
  "2.5",
  "\n",
];

export const arrays: Reader[] = [
  {
    name: "safetensors",
    files: async () => [
      encodeSafetensors(
        {
          a: { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
          b: { shape: [4], data: Uint8Array.of(1, 2, 3, 4) },
          c: { shape: [], data: BigInt64Array.of(7n) },
          d: { shape: [0, 2], data: new Float64Array(0) },
        },
        { denoiser: '{"network": null}' },
      ),
    ],
    tokens: [
      ...json,
      '"dtype":"BOOL"',
      '"F8_E4M3"',
      '"shape":[4294967295,4294967295]',
      '"data_offsets":[0,1]',
    ],
    damage: (file, change, draw) => (draw(4) ? withHeader(file, change) : change(file)),
    read: async (bytes, folder) => {
      writeFileSync(join(folder, "a"), bytes);
      const results = await Promise.allSettled([
        readSafetensors(join(folder, "a")),
        (async () => decodeSafetensors(bytes, join(folder, "a")))(),
      ]);
      // From a file and from memory, the same comes out.
      const [a, b] = results.map((result) => JSON.stringify(result, jsonValue));
      if (a !== b) throw new Error(`another result from a file than from memory: ${a} ${b}`);
      for (const result of results) if (result.status === "rejected") throw result.reason;
    },
  },
  {
    name: "npy",
    files: async () => [
      ...files(".npy"),
      new Uint8Array(dump(new Uint8Array(12), [3, 2, 2])),
      ...files(".npz").flatMap((file) => Object.values(unzipSync(file))),
    ],
    tokens: ofNumPy,
    read: async (bytes, folder) => {
      decodeNpy(bytes, "array");
      writeFileSync(join(folder, "a.npy"), bytes);
      await arrayFile(join(folder, "a.npy"));
    },
  },
  {
    name: "npz",
    share: 6,
    files: async () => files(".npz"),
    tokens: ofNumPy,
    damage: (file, change, draw) => {
      if (draw(2)) return change(file);
      const entries = Object.entries(unzipSync(file));
      const which = draw(entries.length);
      entries[which]![1] = new Uint8Array(change(entries[which]![1]));
      return zipSync(Object.fromEntries(entries), { level: draw(2) ? 6 : 0 });
    },
    read: async (bytes, folder) => {
      const path = join(folder, "a.npz");
      writeFileSync(path, bytes);
      await arrayFile(path, { range: [0, 255] });
      await readNpz(path);
    },
  },
];

/** Numbers that JSON lacks, and errors by their messages. */
const jsonValue = (_: string, value: unknown): unknown => {
  if (value instanceof Error) return value.message;
  return typeof value === "bigint" || Number.isNaN(value) ? String(value) : value;
};
