import { basename, extname } from "node:path";
import * as v from "valibot";
import { check, TangentLabError } from "../errors.js";
import { holdsNo, metadataJson } from "../io/metadata.js";
import { isFolder } from "../io/model-folder.js";
import { readSafetensors, sizeOf, writeSafetensors } from "../io/safetensors.js";
import type { RunRecord } from "../loop/record.js";
import type { TimeNetwork } from "../nn/network.js";
import { networkFrom } from "../nn/network-from.js";
import { ofFile } from "../nn/of-file.js";
import { exportPublished, importPublished } from "../nn/published.js";
import type { Denoiser } from "./edm.js";
import { edmEntry, edmModel } from "./edm-file.js";
import { readPipeline } from "./pipeline-folder.js";
import { checkTrained, denoiserOf, isPreconditioning, pretrained, type TrainedDenoiser } from "./trained.js";

/** What the metadata's "denoiser" holds, JSON. */
type Description = Pick<Denoiser, "preconditioning" | "sigmaData" | "schedule"> & { network: object | null };
/** What the metadata's "run" holds, JSON. */
type Origin = Pick<RunRecord, "name" | "kind" | "dataset" | "shape" | "settings">;

const descriptionSchema = v.object({
  preconditioning: v.string(),
  sigmaData: v.number(),
  schedule: v.optional(v.looseObject({})),
  network: v.nullable(v.looseObject({})),
});

const originSchema = v.object({
  name: v.string(),
  kind: v.picklist(["denoiser", "consistency"]),
  dataset: v.string(),
  shape: v.array(v.pipe(v.number(), v.integer(), v.minValue(1))),
  settings: v.looseObject({ classes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))) }),
});

/**
 * Writes a trained denoiser or consistency model as one safetensors file: its averaged parameters under the names that `exportPublished` gives them, and as
 * JSON in the metadata how the network is made and what it was trained for.
 * @throws TangentLabError `invalid-argument` for a training that was not awaited, `file-system`.
 */
export async function saveDenoiser(path: string, model: TrainedDenoiser): Promise<void> {
  checkTrained("model", model);
  const { denoiser, parameters, record } = model;
  const { preconditioning, sigmaData, schedule, settings: network = null } = denoiser;
  const { name, kind, dataset, shape, settings } = record;
  await writeSafetensors(path, exportPublished(denoiser, parameters), {
    denoiser: JSON.stringify({
      ...{ preconditioning, sigmaData, network },
      ...(schedule && { schedule }),
    } satisfies Description),
    run: JSON.stringify({ name, kind, dataset, shape, settings } satisfies Origin),
  });
}

/**
 * A trained denoiser or consistency model from a file or folder: to sample from, to measure, to start a training from. What was recorded in training is not in it.
 * - a file that `saveDenoiser` has written;
 * - a snapshot of EDM's (2206.00364), converted to safetensors as docs/weights.md has it;
 * - a folder as diffusers writes it, of a pipeline of a UNet2DModel and its scheduler: a consistency model (CMStochasticIterativeScheduler), or a network of DDPM's kind.
 * @param path A file, or a pipeline's folder.
 * @param network A network of your own that it was trained with; the library's own are rebuilt from the file.
 * @throws TangentLabError `file-system`, also for a folder without config.json or weights; `corrupt-file`; `invalid-data` naming a tensor that does not fit the network;
 * `invalid-argument` without `network` where it is needed, and for a setting of EDM or diffusers that is not supported.
 */
export async function loadDenoiser(path: string, network?: TimeNetwork): Promise<TrainedDenoiser> {
  if (await isFolder(path)) {
    check(network === undefined, "network", "a network", "none for a folder, whose config.json describes it");
    return readPipeline(path);
  }
  const file = await readSafetensors(path);
  const { tensors, metadata } = file;
  const corrupt = holdsNo("denoiser", path);
  const isEdm = metadata.denoiser === undefined && metadata[edmEntry] !== undefined;
  if (isEdm) return edmModel(file, basename(path, extname(path)), corrupt);
  const {
    preconditioning,
    sigmaData,
    schedule,
    network: own,
  } = metadataJson(metadata, "denoiser", descriptionSchema, corrupt);
  const origin = metadataJson(metadata, "run", originSchema, corrupt);
  const { name, kind, dataset, shape } = origin;
  const settings = origin.settings as RunRecord["settings"];
  const { classes } = origin.settings;
  if (!isPreconditioning(preconditioning)) throw corrupt(`its preconditioning is ${preconditioning}`);
  check(own !== null || network !== undefined, "network", network, "the network it was trained with");
  try {
    const noise = { preconditioning, sigmaData, ...(schedule && { schedule }) };
    const denoiser = network
      ? denoiserOf(network, noise)
      : ofFile(own, sizeOf(tensors), () => denoiserOf(networkFrom(own!), noise));
    const model = pretrained(denoiser, importPublished(denoiser, tensors), {
      shape,
      name,
      ...(typeof classes === "number" && { classes }),
    });
    return { ...model, record: { ...model.record, kind, dataset, settings } };
  } catch (cause) {
    if (cause instanceof TangentLabError && cause.code !== "invalid-argument") throw cause;
    throw corrupt((cause as Error).message, cause); // settings of wrong types are invalid
  }
}
