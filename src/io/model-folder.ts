import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { TangentLabError } from "../errors.js";
import { checkPath, fileSystemError, readBytesIfThere } from "./files.js";
import { parseJson, type Schema } from "./json.js";
import { readSafetensors, type StoredArray } from "./safetensors.js";

// Folders of models as diffusers' save_pretrained writes them: a pipeline with model_index.json and a folder for each of its parts, or one part by itself; of a
// part its config.json and its weights.

/** The settings of a part of a pipeline, by their names in the file. */
export type PartConfig = Readonly<Record<string, unknown>> & { readonly _class_name: string };

/** A part of a pipeline: a network. */
export interface ModelPart {
  readonly folder: string;
  readonly config: PartConfig;
}

const weights = "diffusion_pytorch_model";

/** Whether a path is that of a folder. @throws TangentLabError `invalid-argument` for anything but a path. */
export async function isFolder(path: string): Promise<boolean> {
  checkPath(path);
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

/**
 * The network of a pipeline's folder, or of its own, by what the folder of its pipeline calls it: "unet", "transformer".
 * @param classes The classes that the caller knows, and for other ones that it knows of: what to do with them.
 * @throws TangentLabError `file-system` if the folder or its config.json is missing; `corrupt-file`; `invalid-argument` naming a part or a class that is not supported.
 */
export async function readPart(
  folder: string,
  name: "unet" | "transformer",
  classes: { readonly [name: string]: string | true },
): Promise<ModelPart> {
  const index = await readSettings(join(folder, "model_index.json"), indexSchema);
  const part = join(folder, name);
  // Older pipelines have all their files in one folder.
  const inside = await isFolder(part);
  if (index && !inside && index[name] === undefined) throw unknownClass(folder, index._class_name, classes);
  const place = inside ? part : folder;
  const config = await readSettings(join(place, "config.json"), partSchema);
  if (!config) {
    const entries = await readdir(place).catch((cause) => {
      throw fileSystemError("read", place, cause);
    });
    throw new TangentLabError("file-system", `${place} is no folder of a model: it has no config.json`, {
      argument: "path",
      given: entries.slice(0, 10),
      allowed:
        "a folder as diffusers writes it: model_index.json and a folder for each part, or one part's config.json and weights",
    });
  }
  const { _class_name: kind } = config;
  if (classes[kind] !== true) throw unknownClass(place, kind, classes);
  return { folder: place, config };
}

function unknownClass(
  folder: string,
  kind: string,
  classes: { readonly [name: string]: string | true },
): TangentLabError {
  const known = Object.keys(classes).filter((name) => classes[name] === true);
  const elsewhere = classes[kind];
  return new TangentLabError("invalid-argument", `${folder} holds a model of a class that is not read here`, {
    argument: "_class_name",
    given: kind,
    allowed: typeof elsewhere === "string" ? elsewhere : known.join(", "),
  });
}

/**
 * The settings of a pipeline's scheduler; undefined where there are none.
 * @throws TangentLabError `corrupt-file`, `file-system`.
 */
export async function readScheduler(folder: string): Promise<PartConfig | undefined> {
  const name = "scheduler_config.json";
  return (
    (await readSettings(join(folder, "scheduler", name), partSchema)) ??
    (await readSettings(join(folder, name), partSchema))
  );
}

/**
 * Other parts that a pipeline has besides these, by model_index.json.
 * @throws TangentLabError `corrupt-file`, `file-system`.
 */
export async function otherParts(folder: string, known: readonly string[]): Promise<string[]> {
  const index = (await readSettings(join(folder, "model_index.json"), indexSchema)) ?? {};
  return Object.entries(index)
    .filter(([name, value]) => !name.startsWith("_") && !known.includes(name) && isPart(value))
    .map(([name]) => name);
}

/** A library and a class; a part that is left out has null for both, and other entries are settings. */
const isPart = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === "string");

/**
 * The weights in a network's folder: one safetensors file, or several with an index.
 * @throws TangentLabError `file-system` if there are none, saying what to do about pickles; `corrupt-file`.
 */
export async function readWeights(folder: string): Promise<Record<string, StoredArray>> {
  const files = await readdir(folder).catch((cause) => {
    throw fileSystemError("read", folder, cause);
  });
  if (files.includes(`${weights}.safetensors`))
    return (await readSafetensors(join(folder, `${weights}.safetensors`))).tensors;
  const indices = files.filter(
    (file) => file.startsWith(weights) && file.endsWith(".safetensors.index.json"),
  );
  if (indices.length > 0) return shards(folder, indices.sort()[0]!);
  // A variant, such as diffusion_pytorch_model.fp16.safetensors.
  const variants = files.filter((file) => /^diffusion_pytorch_model\.\w+\.safetensors$/.test(file));
  if (variants.length > 0) return (await readSafetensors(join(folder, variants.sort()[0]!))).tensors;
  const pickles = files.filter((file) => /\.(bin|pt|pth|pkl|ckpt)$/.test(file));
  throw new TangentLabError(
    "file-system",
    pickles.length > 0
      ? `${join(folder, pickles[0]!)} is a Python pickle, a program that is not run here: convert it to safetensors (docs/weights.md)`
      : `${folder} has no weights`,
    { argument: "path", given: files.slice(0, 10), allowed: `${weights}.safetensors` },
  );
}

async function shards(folder: string, name: string): Promise<Record<string, StoredArray>> {
  const path = join(folder, name);
  const index = await readSettings(path, v.looseObject({ weight_map: v.record(v.string(), v.string()) }));
  const tensors: Record<string, StoredArray> = {};
  for (const file of [...new Set(Object.values(index!.weight_map))]) {
    if (!/^[\w.-]+\.safetensors$/.test(file)) throw corrupt(path)(`it names ${JSON.stringify(file)}`);
    Object.assign(tensors, (await readSafetensors(join(folder, file))).tensors);
  }
  return tensors;
}

const partSchema: Schema<PartConfig> = v.looseObject({ _class_name: v.string() });
const indexSchema: Schema<PartConfig> = partSchema;

const corrupt =
  (path: string) =>
  (why: string, cause?: unknown): TangentLabError =>
    new TangentLabError("corrupt-file", `${path}: ${why}`, { argument: "path", given: path, cause });

/** JSON of a file; undefined where it is missing. */
async function readSettings<T>(path: string, schema: Schema<T>): Promise<T | undefined> {
  const bytes = await readBytesIfThere(path);
  return bytes && parseJson(new TextDecoder().decode(bytes), schema, "it", corrupt(path));
}
