import { readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { TangentLabError } from "../../errors.js";
import {
  checkPath,
  checkWritable,
  fileSystemError,
  readBytesIfThere,
  writeFileAtomically,
} from "../../io/files.js";
import { entriesOf } from "../../io/mark.js";
import { isTemporary } from "../../io/temporary.js";
import { manifest, packageFolder } from "../package-folder.js";
import { kernelName, kernelTitle } from "./kernelspec.js";

/** `tangent-lab init FOLDER`: a project to begin with. @throws TangentLabError `file-system` for a folder that is not empty. */
export async function initCommand(folder: string): Promise<void> {
  checkPath(folder, "folder");
  const entries = await entriesOf(folder).catch((cause: unknown) => {
    throw fileSystemError("write", folder, cause);
  });
  const files = filesOf(packageName(folder));
  if (entries.length > 0 && !(await isBegun(folder, entries, files)))
    throw new TangentLabError("file-system", `${folder} is not empty`, {
      argument: "folder",
      given: entries.slice(0, 3).join(", "),
      allowed: "a folder that is missing or empty",
    });
  await checkWritable(folder);
  for (const [name, content] of Object.entries(files)) await writeFileAtomically(join(folder, name), content);
  console.log(`${folder} has ${Object.keys(files).join(", ")}. Next:

  cd ${folder} && npm install
  npm run lab    # opens first.ipynb in JupyterLab
  npm start      # runs first.ts`);
}

/** Whether a folder is as a process left it that was killed in this command: some of the files, as they were written, and nothing else. */
async function isBegun(
  folder: string,
  entries: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<boolean> {
  const written = entries.filter((name) => !isTemporary(name));
  if (written.length === Object.keys(files).length) return false; // it came to its end
  for (const name of written) {
    const content = files[name];
    const bytes = content === undefined ? undefined : await readBytesIfThere(join(folder, name));
    if (!bytes || new TextDecoder().decode(bytes) !== content) return false;
  }
  return true;
}

/** A folder's name, as npm allows it. */
function packageName(folder: string): string {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+/, "");
  return name.slice(0, 214) || "study";
}

function filesOf(name: string): Record<string, string> {
  const { devDependencies: versions } = manifest();
  const settings = {
    name,
    version: "0.0.0",
    private: true,
    type: "module",
    scripts: { start: "tsx first.ts", lab: "tangent-lab lab first.ipynb" },
    dependencies: { "tangent-lab": source(), tslab: versions.tslab, tsx: versions.tsx },
  };
  return {
    "package.json": `${JSON.stringify(settings, null, 2)}\n`,
    "first.ipynb": `${JSON.stringify(notebook(), null, 1)}\n`,
    "first.ts": `${steps.map(({ code }) => code).join("\n")}\n${saved}\n`,
    ".gitignore": "node_modules/\n.venv/\n.ipynb_checkpoints/\nreport/\n",
  };
}

/** What a project depends on to get this tangent-lab: a version, or the clone or file that it was installed from. */
function source(): string {
  const folder = dirname(packageFolder);
  if (basename(folder) !== "node_modules") return `file:${packageFolder}`;
  try {
    const installed = JSON.parse(readFileSync(join(folder, ".package-lock.json"), "utf8")) as {
      packages?: Record<string, { resolved?: string }>;
    };
    const { resolved } = installed.packages?.["node_modules/tangent-lab"] ?? {};
    if (resolved?.startsWith("file:"))
      return `file:${resolve(dirname(folder), resolved.slice("file:".length))}`;
  } catch {
    // Installed by something else than npm.
  }
  return `^${manifest().version}`;
}

/** What the first study does, in words and code. */
const steps: readonly { text: string; code: string }[] = [
  {
    text: "# A first study\n\nPoints on a spiral, in 16 dimensions: a denoiser and a feature network are trained on them.",
    code: `import { consistency, datasets, diffusion, manifold } from "tangent-lab";
import * as viz from "tangent-lab/viz";

const data = datasets.embed(datasets.spiral(), 16);
const denoiser = await diffusion.train(data);
const features = await manifold.train(data);`,
  },
  {
    text: "Two consistency models: one with the pixel loss, one with the manifold feature distance (MFD). How far are their samples from the spiral?",
    code: `const common = { from: denoiser, batchSize: 16 };
const runs = await viz.live({
  pixel: consistency.train(data, common),
  MFD: consistency.train(data, { ...common, loss: consistency.mfd(features) }),
}, { metric: "manifoldDistance" });`,
  },
];

const shown = {
  text: "Which way do the losses push? Along the curve, or towards it?",
  code: "viz.show(viz.tangentField(runs));",
};

const saved = `await viz.save(viz.tangentField(runs), "tangents.png");
console.log("tangents.png");`;

function notebook(): object {
  const cells = [...steps, shown].flatMap(({ text, code }, i) => [
    { cell_type: "markdown", id: `text-${i}`, metadata: {}, source: text },
    { cell_type: "code", id: `code-${i}`, metadata: {}, execution_count: null, outputs: [], source: code },
  ]);
  const kernelspec = { name: kernelName, display_name: kernelTitle, language: "typescript" };
  return { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
}
