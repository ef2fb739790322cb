// Builds the demo into demo/dist: a folder of static files that needs no network.
import { cp, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { replaceFolder } from "../build/folder.js";
import { entriesOf } from "../src/io/mark.js";

const root = dirname(fileURLToPath(import.meta.url));
export const output = join(root, "dist");

/** Serves a folder on this machine, at a free port; resolves to its address and to a function that stops. */
export async function serve(folder = output): Promise<{ address: string; stop: () => Promise<void> }> {
  const context = await esbuild.context({ logLevel: "error" });
  const { port } = await context.serve({ servedir: folder, host: "127.0.0.1" });
  return { address: `http://localhost:${port}/`, stop: () => context.dispose() };
}

export interface BuildOptions {
  /** Whether the page also works from disk, where it cannot fetch; 20 MB more. Default false. */
  disk?: boolean;
}

/**
 * The page, the worker and the WebAssembly of ONNX Runtime: an earlier build is there until this one is complete.
 * @throws TangentLabError `file-system` if the folder holds anything else.
 */
export async function build(folder = output, options: BuildOptions = {}): Promise<void> {
  const entries = await entriesOf(folder);
  // Builds of before there were marks, and of when one that was killed left none.
  const unmarked = entries.includes("page.js") && entries.every((name) => made.test(name)) ? entries : [];
  await replaceFolder(folder, (beside) => fill(beside, options), unmarked);
}

/** What builds have made, by name. */
const made =
  /^(page|worker[\w-]*|[\w.]+-[A-Z0-9]{8})\.(js|css)(\.LEGAL\.txt)?$|^index\.html$|^style\.css$|^ort-[\w.-]+\.wasm$/;

async function fill(folder: string, options: BuildOptions): Promise<void> {
  const shared: esbuild.BuildOptions = {
    outdir: folder,
    bundle: true,
    target: "es2022",
    platform: "browser",
    minify: true,
    legalComments: "linked",
    logLevel: "warning",
  };
  // A plain script: browsers load no modules from disk.
  await esbuild.build({ ...shared, format: "iife", entryPoints: { page: join(root, "page/main.ts") } });
  const worker = join(root, "worker.ts");
  const modules: esbuild.BuildOptions = { ...shared, format: "esm", splitting: true };
  await esbuild.build({ ...modules, entryPoints: { worker } });
  // The same with the runtime that has WebGPU ("imports" in package.json).
  await esbuild.build({
    ...modules,
    entryPoints: { "worker-webgpu": worker },
    conditions: ["webgpu", "module"],
  });
  if (options.disk) await buildDiskWorker(shared);
  const page = await readFile(join(root, "index.html"), "utf8");
  // A worker made of text has the page's policy. protobufjs makes functions of text, as it may in a worker that is fetched.
  const allowed = options.disk
    ? page.replace("'wasm-unsafe-eval'", "'wasm-unsafe-eval' 'unsafe-eval'")
    : page;
  await writeFile(join(folder, "index.html"), allowed);
  await cp(join(root, "style.css"), join(folder, "style.css"));
  const runtime = join(dirname(createRequire(import.meta.url).resolve("onnxruntime-web")), "../dist");
  for (const file of ["ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.asyncify.wasm"])
    await cp(join(runtime, file), join(folder, file));
}

/** The worker and its WebAssembly as text in one script. */
async function buildDiskWorker(shared: esbuild.BuildOptions): Promise<void> {
  const { outputFiles } = await esbuild.build({
    ...shared,
    format: "iife",
    entryPoints: { "worker-disk": join(root, "disk-worker.ts") },
    loader: { ".wasm": "binary" },
    // Where it would fetch its WebAssembly from.
    define: { "import.meta.url": "undefined" },
    write: false,
  });
  for (const { path, text } of outputFiles)
    await writeFile(path, path.endsWith(".js") ? `globalThis.workerText = ${JSON.stringify(text)};\n` : text);
}
