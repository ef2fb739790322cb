// Builds the demo into demo/dist: a folder of static files that needs no network.
import { cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { removeFolder } from "../src/io/files.js";
import { entriesOf, marked, markName } from "../src/io/mark.js";

const root = dirname(fileURLToPath(import.meta.url));
export const output = join(root, "dist");

/** Serves a folder on this machine, at a free port; resolves to its address and to a function that stops. */
export async function serve(folder = output): Promise<{ address: string; stop: () => Promise<void> }> {
  const context = await esbuild.context({ logLevel: "error" });
  const { port } = await context.serve({ servedir: folder, host: "127.0.0.1" });
  return { address: `http://localhost:${port}/`, stop: () => context.dispose() };
}

/** The page, the worker and the WebAssembly of ONNX Runtime. */
export async function build(folder = output): Promise<void> {
  await clear(folder);
  const shared: esbuild.BuildOptions = {
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    minify: true,
    legalComments: "linked",
    logLevel: "warning",
  };
  const worker = join(root, "worker.ts");
  await esbuild.build({ ...shared, entryPoints: { page: join(root, "page/main.ts"), worker } });
  // The same with the runtime that has WebGPU ("imports" in package.json).
  await esbuild.build({
    ...shared,
    entryPoints: { "worker-webgpu": worker },
    conditions: ["webgpu", "module"],
  });
  await cp(join(root, "index.html"), join(folder, "index.html"));
  await cp(join(root, "style.css"), join(folder, "style.css"));
  const runtime = join(dirname(createRequire(import.meta.url).resolve("onnxruntime-web")), "../dist");
  for (const file of ["ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.asyncify.wasm"])
    await cp(join(runtime, file), join(folder, file));
  const files = Object.fromEntries((await readdir(folder)).map((name) => [name, ""]));
  await writeFile(join(folder, markName), marked(files)[markName]!);
}

/**
 * An empty folder: what an earlier build left is removed.
 * @throws TangentLabError `file-system` if it holds anything else.
 */
async function clear(folder: string): Promise<void> {
  const entries = await entriesOf(folder);
  // Builds of before there were marks.
  const unmarked = ["page.js", "worker.js"].every((name) => entries.includes(name)) ? entries : [];
  await removeFolder(folder, unmarked);
  await mkdir(folder, { recursive: true });
}
