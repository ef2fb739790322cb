import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { tensorflowPackages } from "../../engine/tensorflow.js";
import { tfjsVersions } from "../../engine/tfjs.js";
import { TangentLabError } from "../../errors.js";
import { readBytes } from "../../io/files.js";
import { parseJson } from "../../io/json.js";

/** One of TensorFlow.js' packages for Node, as installed. */
export interface NodePackage {
  name: string;
  version: string;
  folder: string;
  /** The file in which it looks for its addon is here; and the version of Node's interface for addons that it is of. */
  addonFolder: string;
  napi: number;
}

/** The name of the addon's file. */
export const addonFile = "tfjs_binding.node";

const manifestSchema = v.object({
  version: v.string(),
  binary: v.object({ napi_versions: v.pipe(v.array(v.number()), v.minLength(1)) }),
});

/** The packages that are installed beside the module `from`, that for GPUs first. @throws TangentLabError `corrupt-file` for a manifest that is not theirs. */
export async function nodePackages(from: string): Promise<NodePackage[]> {
  const found = tensorflowPackages.map((name) => manifestOf(name, from)).filter((each) => each !== null);
  return Promise.all(
    found.map(async ({ name, path }) => {
      const text = new TextDecoder().decode(await readBytes(path));
      const { version, binary } = parseJson(text, manifestSchema, path, (why, cause) => {
        return new TangentLabError("corrupt-file", why, { argument: "package", cause });
      });
      const napi = Math.max(...binary.napi_versions.filter((each) => each <= Number(process.versions.napi)));
      const folder = dirname(path);
      return { name, version, folder, napi, addonFolder: join(folder, "lib", `napi-v${napi}`) };
    }),
  );
}

/**
 * The package to build for. @param gpu Only that for GPUs.
 * @throws TangentLabError `device-unavailable` where there is none, it has no sources or is of another version than TensorFlow.js here.
 */
export async function packageToLink(gpu: boolean, from: string): Promise<NodePackage> {
  const wanted = gpu ? tensorflowPackages.slice(0, 1) : tensorflowPackages;
  const found = (await nodePackages(from)).find(({ name }) => (wanted as readonly string[]).includes(name));
  const install = `npm install ${tensorflowPackages[0]}@${tfjsVersions.tfjs} --ignore-scripts`;
  const failed = (why: string): TangentLabError =>
    new TangentLabError("device-unavailable", `${why}: \`${install}\` installs it`, { argument: "package" });
  if (!found) throw failed(`${wanted.join(" or ")} is not installed beside tangent-lab`);
  if (found.version !== tfjsVersions.tfjs)
    throw failed(`${found.name} ${found.version} does not fit TensorFlow.js ${tfjsVersions.tfjs}`);
  if (!existsSync(join(found.folder, "binding", "tfjs_binding.cc")))
    throw failed(`${found.folder} lacks the addon's sources`);
  return found;
}

function manifestOf(name: string, from: string): { name: string; path: string } | null {
  try {
    const path = createRequire(from).resolve(`${name}/package.json`);
    return existsSync(path) ? { name, path } : null; // what was found once is remembered
  } catch {
    return null;
  }
}
