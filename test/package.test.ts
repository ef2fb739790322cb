import { execFile } from "node:child_process";
import { access, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { pack } from "./notebook/packed.js";
import { readSnippets } from "./snippets/read.js";

// About what `npm run build` made: what notebooks and other programs see of the package.
const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** All declaration files that a program which imports `entry` loads of the package. */
async function reachable(entry: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const visit = async (path: string): Promise<void> => {
    if (files.has(path)) return;
    const text = await readFile(path, "utf8");
    files.set(path, text);
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)\.js"/g))
      await visit(resolve(dirname(path), `${specifier}.d.ts`));
  };
  await visit(entry);
  return files;
}

test("npm pack has what is made of the sources, documents and what they show, and no more", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tangent-lab-pack-"));
  try {
    const { paths } = await pack(folder);
    const made = paths.filter((path) => path.startsWith("dist/"));
    for (const path of made) {
      const [, name] = /^dist\/((?:src|viz|datasets)\/.*)(?:\.d\.ts|\.js)$/.exec(path) ?? [];
      assert.ok(name, path);
      await access(join(root, `${name}.ts`)).catch(() =>
        assert.unreachable(`${path} has no source: npm run build`),
      );
    }
    assert.ok(made.length > 600);
    const others = paths.filter((path) => !path.startsWith("dist/"));
    const documents =
      /^(package\.json|LICENSE|[A-Z_]+\.md|docs\/[\w-]+\.(md|png|gif)|docs\/lessons\/\d+\.png)$/;
    for (const path of others) assert.match(path, documents);
    // Whatever else a document shows is in the package with it.
    for (const path of others.filter((each) => each.endsWith(".md")))
      for (const [, picture] of (await readFile(join(root, path), "utf8")).matchAll(
        /!\[[^\]]*\]\((?!http)([^)]+)\)/g,
      ))
        assert.ok(paths.includes(join(dirname(path), picture!)), `${path} shows ${picture}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("published types do not load all of TensorFlow.js", async () => {
  const files = await reachable(join(root, "dist/src/index.d.ts"));
  assert.ok(files.size > 40, `${files.size} files`);
  for (const [path, text] of files) {
    assert.not.match(text, /"@tensorflow\/(?!tfjs-core\/dist\/tensor\.js)/, path);
    assert.not.match(text, /Float32Array<ArrayBuffer>/, path);
  }
});

test("the package can be required: no top-level await in its static imports", async () => {
  const code = 'console.log(Object.keys(require("tangent-lab")).sort().join())';
  const { stdout } = await run(process.execPath, ["-e", code], { cwd: root });
  assert.is(
    stdout.trim(),
    "TangentLabError,consistency,datasets,diffusion,engine,experiments,io,loop,manifold,metrics,nn,optim,softrepa",
  );
});

test("the package has its gradients with it, the same ones, and does without all of TensorFlow.js", async () => {
  const files = await readdir(join(root, "dist"), { recursive: true });
  for (const file of files.filter((name) => name.endsWith(".js")))
    assert.not.match(
      await readFile(join(root, "dist", file), "utf8"),
      /(?:from|import|require)\s*\(?\s*"@tensorflow\/tfjs"/,
      file,
    );
  const code = `import * as tf from "@tensorflow/tfjs-core";
await import(process.argv[1]);
const kernels = Object.values(tf).filter((name) => typeof name === "string" && tf.getGradient(name));
console.log(kernels.sort().join(), Object.getOwnPropertyNames(tf.Tensor.prototype).sort().join());`;
  const registered = async (module: string): Promise<string> =>
    (await run(process.execPath, ["--input-type=module", "-e", code, module], { cwd: root })).stdout;
  const ours = await registered("./dist/src/engine/all-gradients.js");
  assert.match(ours, /Conv2D,/);
  assert.is(ours, await registered("@tensorflow/tfjs"));
});

test("the notebook kernel's compiler accepts the types, and they are not any", async () => {
  const folder = await mkdtemp(join(root, "dist/types-"));
  try {
    const cell = join(folder, "cell.ts");
    const compile = async (code: string): Promise<string> => {
      await writeFile(cell, code);
      const compiler = join(root, "node_modules/@tslab/typescript-for-tslab/bin/tsc");
      const flags =
        "--noEmit --strict --moduleResolution node10 --module esnext --target es2022 --lib es2022 --types node";
      return run(process.execPath, [compiler, ...flags.split(" "), cell], { cwd: root }).then(
        () => "",
        // TensorFlow.js' own declarations want a browser's types, which that compiler does not report either.
        ({ stdout }: { stdout: string }) =>
          stdout
            .split("\n")
            .filter((line) => line !== "" && !/^( |node_modules\/@)/.test(line))
            .join("\n"),
      );
    };
    const good = `import { consistency, datasets, diffusion, manifold } from "tangent-lab";
const data = datasets.spiral();
const from = await diffusion.train(data, { steps: 10 });
const features = await manifold.train(data);
const run = consistency.train(data, { from, loss: consistency.mfd(features) });
for await (const event of run) { const loss: number = event.metrics["loss"]!; void loss; }
export {};
`;
    assert.is(await compile(good), "");
    const snippets = Object.entries(await readSnippets());
    assert.ok(snippets.length > 3);
    for (const [file, code] of snippets) assert.is(await compile(code), "", file);
    const bad = `import { consistency, datasets } from "tangent-lab";
export const wrong: string = consistency.train(datasets.spiral()).record.seconds;
`;
    assert.match(await compile(bad), /cell\.ts\(2,14\): error TS2322: Type 'number' is not assignable/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
