// `npm run site`: builds the site into a folder. `-- --help` says what it does and starts nothing.
import { relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { replaceFolder } from "../build/folder.js";
import { TangentLabError } from "../src/errors.js";
import { build } from "./build.js";
import { writeThumbnails } from "./thumbnails.js";

const command = new Command("npm run site")
  .description(
    "Builds documents, lessons, API reference and demo into one folder of static files, which opens from disk and works on any web server.",
  )
  .usage("[-- options]")
  .option("--out <folder>", "where to: a folder that is missing, empty, or of an earlier run", "site-build")
  .option("--thumbnails", "only renew the pictures of the lessons in docs/lessons", false)
  .helpOption("-h, --help", "this text")
  // As with the command line `tangent-lab`: 2 is bad input.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();
const { out, thumbnails } = command.opts<{ out: string; thumbnails: boolean }>();

try {
  if (thumbnails) for (const line of await writeThumbnails()) console.log(line);
  else {
    const start = performance.now();
    await replaceFolder(out, build);
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(`The site is in ${relative("", resolve(out))}, built in ${seconds} s.`);
    console.log(`Open ${pathToFileURL(resolve(out, "index.html"))}, or put the folder on any web server.`);
  }
} catch (error) {
  if (!(error instanceof TangentLabError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
