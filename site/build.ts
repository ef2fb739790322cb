// The whole site as a folder of static files, with relative links only: it opens from disk and works at any address.
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as esbuild from "esbuild";
import { build as buildDemo } from "../demo/build.js";
import { TangentLabError } from "../src/errors.js";
import { libraries } from "../viz/render/page.js";
import { writeApi } from "./api.js";
import { documents, lessons, root } from "./documents.js";
import { assets } from "./layout.js";
import { lessonPage } from "./lessons.js";
import { Links } from "./links.js";
import { documentPage, documentsPage, lessonsPage, sourcePage } from "./pages.js";

/** Builds the site into a folder. */
export async function build(folder: string): Promise<void> {
  const paths = await documents();
  const order = await lessons();
  const links = new Links([...paths, ...order]);
  const documentPages = await each(paths, (path) => documentPage(path, links));
  const lessonPages = await each(order, (path) => lessonPage(path, order, links));
  const lists = [await lessonsPage(links), await documentsPage(documentPages, paths)];
  const sourcePages = await each([...links.sources], sourcePage);
  for (const { address, html } of [...documentPages, ...lessonPages, ...lists, ...sourcePages])
    await write(folder, address, html);
  for (const picture of links.pictures) await cp(join(root, picture), join(folder, picture));
  await write(folder, assets.vega, (await libraries()).join("\n;\n"));
  await esbuild.build({
    entryPoints: [join(root, "site/browser/diagrams.js")],
    outfile: join(folder, assets.diagrams),
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "linked",
    logLevel: "warning",
  });
  await writeApi(join(folder, "api"));
  await writeDemo(join(folder, "demo"));
}

/** The demo as `npm run demo` has it, with a way back. */
async function writeDemo(folder: string): Promise<void> {
  await buildDemo(folder, { disk: true });
  const path = join(folder, "index.html");
  const page = await readFile(path, "utf8");
  await writeFile(
    path,
    page.replace("<header>", '<header>\n<p><a href="../index.html">← tangent-lab</a></p>'),
  );
}

/** One after the other: each page needs all of a core. */
async function each<T>(paths: readonly string[], make: (path: string) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (const path of paths)
    made.push(
      await make(path).catch((cause) => {
        if ((cause as Error).name !== "ParseError") throw cause;
        const why = `${path} has mathematics that KaTeX does not know: ${(cause as Error).message}`;
        throw new TangentLabError("invalid-data", why, { argument: path, cause });
      }),
    );
  return made;
}

async function write(folder: string, address: string, content: string): Promise<void> {
  const path = join(folder, address);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
