import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import * as v from "valibot";
import { TangentLabError } from "../../errors.js";
import { askPython } from "../python.js";

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

/** Without importing TensorFlow, which takes seconds and may fail. */
const script = `
import importlib.metadata as metadata, importlib.util, os, runpy
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
`;

const answerSchema = v.object({
  python: v.string(),
  folder: v.nullable(v.string()),
  version: v.nullable(v.string()),
  cuda: v.nullable(v.string()),
});

/**
 * The TensorFlow of a Python: of the one given, or of the first that has one.
 * @param gpu It must have been built for CUDA.
 * @throws TangentLabError `invalid-argument` for a Python that is not there, `device-unavailable` for one without a TensorFlow that fits.
 */
export async function pythonTensorFlow(given: string | undefined, gpu: boolean): Promise<PythonTensorFlow> {
  const answer = await askPython(given, script, answerSchema, ({ folder }) => folder !== null);
  return fitting(answer, gpu, `-m pip install '${gpu ? "tensorflow[and-cuda]" : "tensorflow-cpu"}'`);
}

function fitting(
  { python, folder, version, cuda }: v.InferOutput<typeof answerSchema>,
  gpu: boolean,
  install: string,
): PythonTensorFlow {
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
