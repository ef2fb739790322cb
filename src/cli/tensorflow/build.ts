import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TangentLabError } from "../../errors.js";
import { fileSystemError } from "../../io/files.js";
import { sweep, temporaryName } from "../../io/temporary.js";
import { type Ran, run } from "../doctor/run.js";
import { addonFile, type NodePackage } from "./package.js";
import { libraries, type PythonTensorFlow } from "./python.js";
import type { Tools } from "./tools.js";

/** Milliseconds for two files of C++, which take seconds. */
const patience = 600_000;

/**
 * Compiles the addon from the package's sources, in a folder of its own that is removed again, and loads it once.
 * @returns The addon, which finds TensorFlow's libraries where they are now.
 * @throws TangentLabError `device-unavailable` where it does not compile or load, saying why; `file-system`.
 */
export async function buildAddon(
  { folder, napi }: NodePackage,
  tensorflow: PythonTensorFlow,
  tools: Tools,
  loads = loadsAlone,
): Promise<Uint8Array> {
  const place = temporaryName(join(tmpdir(), "tangent-lab-tensorflow"));
  try {
    await sweep(tmpdir());
    await mkdir(place, { mode: 0o700 });
    await cp(join(folder, "binding"), join(place, "binding"), { recursive: true });
    // A path without blanks, which make would take for two.
    await symlink(tensorflow.folder, join(place, "tensorflow"));
    await writeFile(join(place, "binding.gyp"), JSON.stringify(recipe(tensorflow.folder, napi)));
    await compile(place, tensorflow, tools);
    const built = join(place, "build", "Release", addonFile);
    checkLoads(await loads(built), tensorflow);
    return await readFile(built);
  } catch (cause) {
    throw fileSystemError("write", place, cause);
  } finally {
    await rm(place, { recursive: true, force: true }).catch(() => {});
  }
}

/** What node-gyp is told: as the package's own, but for libraries that stay where they are. */
const recipe = (folder: string, napi: number): object => ({
  targets: [
    {
      target_name: "tfjs_binding",
      sources: ["binding/tfjs_backend.cc", "binding/tfjs_binding.cc"],
      include_dirs: ["tensorflow/include"],
      defines: [`NAPI_VERSION=${napi}`],
      library_dirs: ["tensorflow"],
      libraries: [`-Wl,-rpath,${quoted(folder)}`, ...libraries.map((name) => `-l:${name}`)],
    },
  ],
});

/** For the shell, as make hands it on. */
const quoted = (path: string): string => `'${path.replaceAll("'", "'\\''").replaceAll("$", "$$$$")}'`;

async function compile(place: string, { python }: PythonTensorFlow, tools: Tools): Promise<void> {
  const { nodeGyp, compiler, nodeFolder } = tools;
  const options = [
    `--directory=${place}`,
    `--python=${python}`,
    ...(nodeFolder ? [`--nodedir=${nodeFolder}`] : []),
  ];
  const { code, out, errors } = await run([...nodeGyp, "rebuild", ...options], patience, {
    ...process.env,
    CXX: compiler,
  });
  if (code === 0) return;
  throw failed("the addon does not compile", reasonIn(`${errors}\n${out}`));
}

/** Loads an addon, in a process of its own: what is broken may crash. It says its TensorFlow's version. */
const loadsAlone = (addon: string): Promise<Ran> =>
  run([process.execPath, "-e", "console.log(require(process.argv[1]).TF_Version)", addon], patience);

function checkLoads({ code, out, errors }: Ran, { folder, version }: PythonTensorFlow): void {
  if (code === 0 && /^\d+\.\d+/.test(out)) return;
  const reason = errors.split("\n").find((line) => line.startsWith("Error: ")) ?? reasonIn(errors);
  throw failed(`the addon does not load with TensorFlow ${version} in ${folder}`, reason);
}

/** The compiler's first complaint, or node-gyp's, or what was said last. */
function reasonIn(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  const complaint =
    lines.find((line) => /\berror:|cannot find -l|undefined reference|No space left/.test(line)) ??
    lines.find((line) => /^gyp ERR! stack \w*Error: /.test(line)) ??
    lines.at(-1);
  return complaint?.replace("gyp ERR! stack ", "").trim() ?? "it was ended without a word";
}

const failed = (what: string, reason: string): TangentLabError =>
  new TangentLabError("device-unavailable", `${what}: ${reason.slice(0, 400)}`, { argument: "package" });
