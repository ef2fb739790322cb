// Builds the demo into demo/dist: a folder of static files that needs no network.
import { cp, mkdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

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
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await esbuild.build({
    entryPoints: { page: join(root, "page/main.ts"), worker: join(root, "worker.ts") },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    minify: true,
    legalComments: "linked",
    logLevel: "warning",
  });
  await cp(join(root, "index.html"), join(folder, "index.html"));
  await cp(join(root, "style.css"), join(folder, "style.css"));
  const runtime = join(dirname(createRequire(import.meta.url).resolve("onnxruntime-web")), "../dist");
  await cp(join(runtime, "ort-wasm-simd-threaded.wasm"), join(folder, "ort-wasm-simd-threaded.wasm"));
}
