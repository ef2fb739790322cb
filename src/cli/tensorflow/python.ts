import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import * as v from "valibot";
import { TangentLabError } from "../../errors.js";
import { run } from "../doctor/run.js";
import { onPath } from "../on-path.js";

/** The TensorFlow in a Python's environment. */
export interface PythonTensorFlow {
  /** The Python's own program. */
  python: string;
  /** Holds the libraries, and `include`. */
  folder: string;
  version: string;
  /** The CUDA that it was built for; null where it computes on the CPU only. */
  cuda: string | null;
}

/** The libraries that the addon needs. */
export const libraries = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"] as const;

/** The headers that the addon's sources include. */
const headers = ["c/c_api.h", "c/eager/c_api.h", "core/platform/ctstring_internal.h"];

/** The oldest with which the addon was built and run. */
const oldest = [2, 12] as const;

/** Without importing TensorFlow, which takes seconds and may fail; what is in the folder where the command runs does not count. */
const script = `
import importlib.metadata as metadata, importlib.util, json, os, runpy, sys
sys.path.pop(0)
spec = importlib.util.find_spec("tensorflow")
places = list(spec.submodule_search_locations or []) if spec and spec.origin else []
answer = {"python": sys.executable, "folder": places[0] if places else None, "version": None, "cuda": None}
for each in metadata.distributions():
    if "tensorflow" in (each.read_text("top_level.txt") or "").split():
        answer["version"] = each.version
info = os.path.join(places[0], "python", "platform", "build_info.py") if places else ""
if os.path.exists(info):
    built = runpy.run_path(info)["build_info"]
    if built.get("is_cuda_build"):
        answer["cuda"] = built.get("cuda_version", "of unknown version")
print("\\n" + json.dumps(answer))
`;

const answerSchema = v.object({
  python: v.string(),
  folder: v.nullable(v.string()),
  version: v.nullable(v.string()),
  cuda: v.nullable(v.string()),
});

/** Milliseconds for a Python on a slow disk to find its packages. */
const patience = 120_000;

/**
 * The TensorFlow of a Python: of the one given, or of the first that has one of the `.venv` in this folder, `python3` and `python`.
 * @param gpu It must have been built for CUDA.
 * @throws TangentLabError `invalid-argument` for a Python that is not there, `device-unavailable` for one without a TensorFlow that fits.
 */
export async function pythonTensorFlow(given: string | undefined, gpu: boolean): Promise<PythonTensorFlow> {
  const install = `-m pip install '${gpu ? "tensorflow[and-cuda]" : "tensorflow-cpu"}'`;
  if (given !== undefined) return fitting(await ask(programOf(given)), gpu, install);
  const venv = join(process.cwd(), ".venv", "bin", "python");
  const candidates = [existsSync(venv) ? venv : null, onPath("python3"), onPath("python")].filter(
    (each) => each !== null,
  );
  if (candidates.length === 0) throw none("there is no Python on the PATH", "one by --python");
  const answers = [];
  for (const each of candidates) answers.push(await ask(each));
  return fitting(answers.find(({ folder }) => folder !== null) ?? answers[0]!, gpu, install);
}

function programOf(given: string): string {
  const found = given.includes("/") ? (existsSync(given) ? given : null) : onPath(given);
  if (found !== null) return found;
  throw new TangentLabError("invalid-argument", "there is no such Python", {
    argument: "--python",
    given,
    allowed: "the program of a Python in whose environment TensorFlow is installed",
  });
}

type Answer = v.InferOutput<typeof answerSchema>;

async function ask(python: string): Promise<Answer> {
  const { code, out, errors } = await run([python, "-c", script], patience);
  try {
    if (code === 0) return v.parse(answerSchema, JSON.parse(out.trimEnd().split("\n").at(-1)!));
  } catch {
    // Not what the script prints.
  }
  const why = errors.trimEnd().split("\n").at(-1) || `exit code ${code}`;
  throw none(`${python} does not work as a Python (${why.slice(0, 200)})`, "Python 3.8 or later");
}

function fitting({ python, folder, version, cuda }: Answer, gpu: boolean, install: string): PythonTensorFlow {
  if (folder === null || !isAbsolute(folder))
    throw none(`${python} has no TensorFlow`, `one after \`${python} ${install}\``);
  const [major, minor] = (version ?? "").split(".").map(Number) as [number, number];
  if (version === null || !(major > oldest[0] || (major === oldest[0] && minor >= oldest[1])))
    throw none(`TensorFlow ${version ?? "of unknown version"} of ${python} is too old`, "2.12 or later");
  if (gpu && cuda === null)
    throw none(
      `TensorFlow ${version} of ${python} was built without CUDA`,
      `one after \`${python} ${install}\``,
    );
  const needed = [...libraries, ...headers.map((each) => join("include", "tensorflow", each))];
  const missing = needed.find((each) => !existsSync(join(folder, each)));
  if (missing)
    throw none(`TensorFlow ${version} in ${folder} lacks ${missing}`, "the package of PyPI, by pip");
  return { python, folder, version, cuda };
}

const none = (why: string, allowed: string): TangentLabError =>
  new TangentLabError("device-unavailable", why, { argument: "--python", allowed });
