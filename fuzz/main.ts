// Reads damaged files and saves those that do not end as they should: npm run fuzz -- --files 1000000
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { damaged } from "./damaged.js";
import { readers } from "./readers/index.js";
import { type Failure, fuzz } from "./run.js";

const names = readers.map(({ name }) => name);
const {
  files,
  seed,
  from,
  readers: list,
  out,
} = new Command("fuzz")
  .description(
    "damages valid files of every kind that the library reads, and reads them in a process that is watched",
  )
  .option("--files <n>", "how many", Number, 1_000_000)
  .option("--seed <n>", "of the damages", Number, 0)
  .option("--from <n>", "number of the first file", Number, 0)
  .option("--readers <names>", `some of ${names.join(",")}`, names.join(","))
  .option(
    "--out <folder>",
    "for the files that failed; copied to test/fixtures/fuzz they become tests",
    "report/fuzz",
  )
  .parse()
  .opts<{ files: number; seed: number; from: number; readers: string; out: string }>();

const only = list.split(",");
const unknown = only.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`no readers ${unknown}: there are ${names}`);

/** Milliseconds between two lines of progress. */
const interval = 10_000;

const begun = performance.now();
let [printed, count, reached] = [begun, 0, 0];
const stop = new AbortController();
process.on("SIGINT", () => stop.abort());
process.on("SIGTERM", () => stop.abort());

/** Failures of a kind are saved once. */
const seen = new Set<string>();
const saving: Promise<void>[] = [];

async function save({ index, why, file }: Failure): Promise<void> {
  const { reader, bytes } = await damaged({ seed, only }, index);
  const kind = `${reader.name}: ${why.split("\n").slice(0, 3).join(" ").slice(0, 300)}`;
  console.log(`file ${index}, ${kind}`);
  if (seen.has(kind)) return;
  seen.add(kind);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${reader.name}-${seed}-${index}`), file ? Buffer.from(file, "base64") : bytes);
}

/** Files a second so far, and what that means for the rest. */
function pace(read: number): string {
  const rate = (1000 * read) / (performance.now() - begun);
  const left = duration((files - read) / rate);
  return `${read} of ${files} files, ${rate.toFixed(0)} a second, ${left} left, ${count} failures`;
}

const duration = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;

await fuzz({
  ...{ seed, from, to: from + files, only, signal: stop.signal },
  onFailure: (failure) => {
    count++;
    saving.push(save(failure));
  },
  onProgress: (read) => {
    reached = read;
    if (performance.now() - printed < interval) return;
    printed = performance.now();
    console.error(pace(read));
  },
});
await Promise.all(saving);
if (stop.signal.aborted) {
  const rest = `npm run fuzz -- --seed ${seed} --from ${from + reached} --files ${files - reached}`;
  console.error(`stopped after ${reached} files; the rest: ${rest} --readers ${list}`);
  process.exitCode = 130;
} else {
  console.log(`${files} files, ${count} failures, ${duration((performance.now() - begun) / 1000)}`);
  process.exitCode = count > 0 ? 1 : 0;
}
