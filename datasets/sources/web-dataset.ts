import { join } from "node:path";
import { check } from "../../src/errors.js";
import { withFile } from "../../src/io/files.js";
import { imageExtensions } from "../../src/io/image-kind.js";
import { byteLimit, checkDeclared } from "../../src/io/limits.js";
import { readAhead } from "../../src/io/read-ahead.js";
import { classesOf, type Label } from "../classes.js";
import { type FileState, stateOf } from "../file-states.js";
import { shardsOf } from "./shards.js";
import {
  brief,
  listed,
  type PictureSource,
  type SourceOptions,
  type StoredPicture,
  unfit,
  within,
} from "./source.js";
import { type TarEntry, tarEntries } from "./tar-file.js";

/** Endings of files, and fields of a key's .json, that are looked up in this order where nothing else is asked for. */
const labelNames = ["cls", "label", "labels", "class"];
const captionNames = ["txt", "caption", "captions", "text", "prompt"];

/** Where a picture is. */
interface Member extends TarEntry {
  shard: number;
}

/** Files of one key: "a/0001.jpg", "a/0001.cls". */
interface Sample {
  key: string;
  /** By their endings: "jpg". */
  files: Map<string, TarEntry>;
}

/** Labels and captions are short: more is something else. */
const mostText = 2 ** 20;

/**
 * Pictures in tar shards as WebDataset has them (https://github.com/webdataset/webdataset): files that follow one another and agree up to the first dot of their
 * names are one example.
 */
export async function webDatasetSource(
  path: string | readonly string[],
  options: SourceOptions = {},
): Promise<PictureSource> {
  const { name, root, files } = await shardsOf(path, ".tar", options.split);
  const members: Member[] = [];
  const labels: Label[] = [];
  const captions: string[][] = [];
  const chosen: Chosen = {};
  for (const [shard, file] of files.entries()) {
    const where = join(root, file);
    const samples = grouped(where, await tarEntries(where, options.signal));
    if (samples.length === 0) throw unfit(where, "it has no files", "a tar file with pictures");
    await withFile(where, async (open) => {
      const read = readAhead(open);
      const textOf = async ({ path, begin, size }: TarEntry): Promise<string> => {
        checkDeclared(within(where, path), `${size} bytes`, size, mostText);
        return new TextDecoder().decode(await read(begin, begin + size));
      };
      for (const sample of samples) {
        options.signal?.throwIfAborted();
        const picture = pictureOf(where, sample, options.image);
        members.push({ ...picture, shard });
        if (options.captioned) {
          const found = await fieldOf(
            where,
            sample,
            "caption",
            captionNames,
            options.caption,
            chosen,
            textOf,
          );
          captions.push(captionsOf(where, sample.key, found));
        } else if (options.label !== false) {
          const found = await fieldOf(where, sample, "label", labelNames, options.label, chosen, textOf);
          if (found !== undefined) labels.push(labelOf(where, sample.key, found));
        }
      }
    });
  }
  return {
    name,
    id: [root, files, options.image ?? null],
    root,
    files,
    count: members.length,
    ...(labels.length > 0 && classesOf(labels, members.length)),
    ...(options.captioned && { captions }),
    pictures: (states, signal) =>
      pictures({ root, files, members, maxBytes: options.maxBytes }, states, signal),
  };
}

async function* pictures(
  {
    root,
    files,
    members,
    maxBytes,
  }: { root: string; files: readonly string[]; members: readonly Member[]; maxBytes: number | undefined },
  states: FileState[],
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredPicture> {
  for (const [shard, name] of files.entries()) {
    states.push(await stateOf(root, name, signal));
    const path = join(root, name);
    const own = members.filter((member) => member.shard === shard);
    for (const run of runs(own)) {
      const [first, last] = [run[0]!, run.at(-1)!];
      const bytes = await withFile(path, (file) => {
        const limit = byteLimit({ ...(maxBytes !== undefined && { maxBytes }) }, file.size);
        checkDeclared(within(path, first.path), `${first.size} bytes`, first.size, limit);
        return file.read(first.begin, last.begin + last.size);
      });
      for (const { path: inside, begin, size } of run)
        yield {
          where: within(path, inside),
          bytes: bytes.subarray(begin - first.begin, begin - first.begin + size),
        };
    }
  }
}

/** Bytes of neighbours that are read at once. */
const runBytes = 2 ** 20;

/** Members divided into runs of neighbours, one member or up to 1 MiB each. */
function runs(members: readonly Member[]): Member[][] {
  const all: Member[][] = [];
  for (const member of members) {
    const run = all.at(-1);
    if (run && member.begin + member.size - run[0]!.begin <= runBytes) run.push(member);
    else all.push([member]);
  }
  return all;
}

function grouped(path: string, entries: readonly TarEntry[]): Sample[] {
  const samples: Sample[] = [];
  for (const entry of entries) {
    const [, folder = "", name = "", ending] = /^(.*\/)?([^/]*?)\.([^/]*)$/.exec(entry.path) ?? [];
    if (ending === undefined || name === "") continue; // no ending, or hidden
    const key = folder + name;
    let sample = samples.at(-1);
    if (sample?.key !== key) {
      sample = { key, files: new Map() };
      samples.push(sample);
    }
    const kind = ending.toLowerCase();
    if (sample.files.has(kind))
      throw unfit(path, `${brief(entry.path)} is there twice`, "one file of each kind for a key");
    sample.files.set(kind, entry);
  }
  return samples;
}

function pictureOf(path: string, { key, files }: Sample, asked: string | undefined): TarEntry {
  const kinds = [...files.keys()];
  const found =
    asked === undefined
      ? kinds.filter((kind) => imageExtensions.includes(`.${kind}`))
      : kinds.filter((kind) => kind === asked.toLowerCase());
  check(found.length <= 1, "image", asked, `which ending has the pictures in ${path}: ${listed(found)}`);
  if (found.length === 1) return files.get(found[0]!)!;
  throw unfit(
    path,
    `no picture, or half a shard: ${brief(key)} has none`,
    asked === undefined ? "a picture for each key" : `a file .${asked} for each key`,
    listed(kinds.map((kind) => `.${kind}`)),
  );
}

/** Where labels or captions are, as the first example has them. */
type Chosen = Partial<Record<"label" | "caption", { name: string; isField: boolean } | "nowhere">>;

/** A key's label or caption, from a file of its own or its .json; undefined where the first example has none. */
async function fieldOf(
  path: string,
  { key, files }: Sample,
  what: "label" | "caption",
  names: readonly string[],
  asked: string | undefined,
  chosen: Chosen,
  textOf: (entry: TarEntry) => Promise<string>,
): Promise<unknown> {
  const json = async (): Promise<Record<string, unknown>> => {
    const entry = files.get("json");
    if (entry === undefined) return {};
    const text = await textOf(entry);
    try {
      return Object(JSON.parse(text)) as Record<string, unknown>;
    } catch {
      throw unfit(path, `${brief(entry.path)} is not JSON`, "JSON in files .json");
    }
  };
  if (chosen[what] === undefined) {
    const wanted = asked === undefined ? names : [asked];
    const file = wanted.find((name) => files.has(name.toLowerCase()));
    const fields = file === undefined ? await json() : {};
    const field = wanted.find((name) => Object.hasOwn(fields, name) && fields[name] !== null);
    chosen[what] =
      file !== undefined
        ? { name: file.toLowerCase(), isField: false }
        : field !== undefined
          ? { name: field, isField: true }
          : "nowhere";
    const there = [...files.keys()]
      .map((kind) => `.${kind}`)
      .concat(Object.keys(fields).map((name) => `${name} (in .json)`));
    check(
      chosen[what] !== "nowhere" || (asked === undefined && what === "label"),
      what,
      asked,
      `what ${path} has for each picture: ${listed(there, 20)}`,
    );
  }
  const place = chosen[what]!;
  if (place === "nowhere") return undefined;
  const entry = files.get(place.name);
  const value = place.isField ? (await json())[place.name] : entry && (await textOf(entry)).trim();
  if (value !== undefined && value !== null && value !== "") return value;
  throw unfit(
    path,
    `half a shard: ${brief(key)} has no ${what}`,
    `${place.isField ? `${place.name} in its .json` : `a file .${place.name}`}, as other pictures have`,
  );
}

function labelOf(path: string, key: string, value: unknown): Label {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  if (typeof value === "string") return /^\d{1,15}$/.test(value) ? Number(value) : value;
  throw unfit(path, `the label of ${brief(key)} is none`, "an integer >= 0 or the name of a class", value);
}

function captionsOf(path: string, key: string, value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((text): text is string => typeof text === "string" && text.trim() !== ""))
    return list;
  throw unfit(
    path,
    `the caption of ${brief(key)} is none`,
    "text that is not blank, or a list of texts",
    value,
  );
}
