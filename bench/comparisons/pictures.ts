import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { zipSync } from "fflate";
import sharp from "sharp";
import { hubImage, hubParquet, tarOf } from "../../fuzz/packed.js";
import * as random from "../../src/engine/random.js";
import { Peer } from "../peers/peer.js";
import type { Reading } from "../peers/read-pictures.js";
import type { Run, Runner } from "../runner.js";
import type { Comparison } from "./comparison.js";

const count = 60_000;
const side = 32;
const classes = 10;
/** Pictures that differ: drawing more takes longer, and reading them does not. */
const different = 2000;
/** Pictures of a shard. */
const shard = 10_000;

type Kind = "png" | "jpg";

/**
 * A set of small pictures, read and decoded into one array with nothing in the cache folder, against a loop over Pillow: each in a process whose peak memory is
 * told beside, with the seconds that processors worked.
 */
function comparison(
  form: string,
  kind: Kind,
  write: (folder: string, pictures: readonly Buffer[]) => Promise<string>,
): Comparison {
  return {
    title: `${count.toLocaleString("en-US")} ${kind === "png" ? "PNG" : "JPEG"} pictures of ${side}x${side} from ${form}`,
    tolerance: 0.001, // the mean of all numbers: decoders of JPEG round differently
    async runners(python, threads) {
      const started = await Peer.start(python, "pillow.py", threads, { parquet: form.includes("Parquet") });
      if (!started) return `${python} has no Pillow, or no pyarrow (--python PATH)`;
      const { peer, version } = started;
      const folder = await mkdtemp(join(tmpdir(), "tangent-lab-bench-"));
      const path = await write(folder, await drawn(kind));
      const remove = (): Promise<void> => rm(folder, { recursive: true });
      return [
        runner("tangent-lab", "", () => ours(path, join(folder, "cache")), remove),
        runner(
          "Pillow",
          `${version}, 1 thread, `,
          () => peer.ask<Reading>({ do: "read", path, count, side }),
          () => peer.close(),
        ),
      ];
    },
  };
}

async function ours(path: string, cache: string): Promise<Reading> {
  await rm(cache, { recursive: true, force: true });
  const script = fileURLToPath(new URL("../peers/read-pictures.ts", import.meta.url));
  const env = { ...process.env, XDG_CACHE_HOME: cache, LOCALAPPDATA: cache };
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script, path], {
    env,
  });
  return JSON.parse(stdout) as Reading;
}

function runner(
  name: string,
  setting: string,
  read: () => Promise<Reading>,
  close: () => Promise<void>,
): Runner {
  let last: Reading | undefined;
  return {
    name,
    get setting() {
      if (last === undefined) return setting;
      return `${setting}processors ${last.busy.toFixed(1)} s, peak memory ${last.memory.toFixed(0)} MiB`;
    },
    run: async (times) => {
      const seconds: number[] = [];
      const metrics: Run["metrics"][number][] = [];
      for (let i = 0; i < times; i++) {
        last = await read();
        seconds.push(last.seconds);
        metrics.push({ count: last.count, mean: last.mean });
      }
      return { seconds, metrics };
    },
    close,
  };
}

/** Pictures about as large as photographs are when stored: waves of colour, and noise. PNG rows have all filters, as other programs write them. */
async function drawn(kind: Kind): Promise<Buffer[]> {
  const pictures: Buffer[] = [];
  for (let i = 0; i < different; i++) {
    const noise = random.normal(random.foldIn(random.key(0), i), side * side * 3);
    const pixels = Uint8Array.from(noise, (value, at) => {
      const [x, y, c] = [Math.floor(at / 3) % side, Math.floor(at / 3 / side), at % 3];
      return 128 + 80 * Math.sin((x * (1 + (i % 3)) + y * (i % 5) + 20 * c + i) / 8) + 8 * value;
    });
    const picture = sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
    pictures.push(
      await (kind === "png" ? picture.png({ adaptiveFiltering: true }) : picture.jpeg()).toBuffer(),
    );
  }
  return Array.from({ length: count }, (_, i) => pictures[i % different]!);
}

const label = (i: number): number => i % classes;
const numbered = (i: number): string => `${i}`.padStart(8, "0");

const shards =
  (kind: Kind) =>
  async (folder: string, pictures: readonly Buffer[]): Promise<string> => {
    const path = join(folder, "shards");
    await mkdir(path);
    for (let at = 0; at < count; at += shard)
      await writeFile(
        join(path, `${numbered(at / shard)}.tar`),
        tarOf(
          pictures
            .slice(at, at + shard)
            .flatMap((picture, i) => [
              [`${numbered(at + i)}.${kind}`, picture] as const,
              [`${numbered(at + i)}.cls`, `${label(at + i)}`] as const,
            ]),
        ),
      );
    return path;
  };

export const parquet = comparison("a Parquet file", "png", async (folder, pictures) => {
  const path = join(folder, "train.parquet");
  const columns = {
    image: pictures.map((picture) => hubImage(picture)),
    label: pictures.map((_, i) => BigInt(label(i))),
  };
  await writeFile(path, hubParquet(columns, { rows: 1000 }));
  return path;
});

export const webDataset = comparison("WebDataset shards", "png", shards("png"));

export const webDatasetJpeg = comparison("WebDataset shards", "jpg", shards("jpg"));

export const zip = comparison("a zip file with dataset.json", "png", async (folder, pictures) => {
  const path = join(folder, "pictures.zip");
  const name = (i: number): string => `${numbered(i).slice(0, 5)}/img${numbered(i)}.png`;
  const labels = pictures.map((_, i) => [name(i), label(i)]);
  const files = {
    ...Object.fromEntries(pictures.map((picture, i) => [name(i), picture])),
    "dataset.json": Buffer.from(JSON.stringify({ labels })),
  };
  await writeFile(path, zipSync(files, { level: 0 }));
  return path;
});

export const folder = comparison("a folder with a subfolder a class", "png", async (parent, pictures) => {
  const path = join(parent, "pictures");
  for (let c = 0; c < classes; c++) await mkdir(join(path, `class ${c}`), { recursive: true });
  for (const [i, picture] of pictures.entries())
    await writeFile(join(path, `class ${label(i)}`, `${numbered(i)}.png`), picture);
  return path;
});
