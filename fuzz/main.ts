// Reads damaged files and saves those that do not end as they should: npm run fuzz -- --files 1000000
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { damaged } from "./damaged.js";
import { readers } from "./readers/index.js";
import { fuzz } from "./run.js";

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

const begun = performance.now();
const failures = await fuzz({
  seed,
  from,
  to: from + files,
  only,
  onProgress: (read) => {
    if (read % 10_000 !== 0 || read === 0) return;
    console.error(`${read} of ${files} files, ${Math.round((performance.now() - begun) / 1000)} s`);
  },
});
const seen = new Set<string>();
for (const { index, why, file } of failures) {
  const { reader, bytes } = await damaged({ seed, only }, index);
  const kind = `${reader.name}: ${why.split("\n").slice(0, 3).join(" ").slice(0, 300)}`;
  console.log(`file ${index}, ${kind}`);
  if (seen.has(kind)) continue;
  seen.add(kind);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${reader.name}-${seed}-${index}`), file ? Buffer.from(file, "base64") : bytes);
}
console.log(
  `${files} files, ${failures.length} failures, ${Math.round((performance.now() - begun) / 1000)} s`,
);
process.exitCode = failures.length > 0 ? 1 : 0;
