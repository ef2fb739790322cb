import { check, TangentLabError } from "../errors.js";
import { holdsNo, metadataJson } from "../io/metadata.js";
import { readSafetensors, writeSafetensors } from "../io/safetensors.js";
import type { RunRecord } from "../loop/record.js";
import type { TimeNetwork } from "../nn/network.js";
import { networkFrom } from "../nn/network-from.js";
import { exportPublished, importPublished } from "../nn/published.js";
import type { Denoiser } from "./edm.js";
import { checkTrained, preconditionings, pretrained, type TrainedDenoiser } from "./trained.js";

/** What the metadata's "denoiser" holds, JSON. */
type Description = Pick<Denoiser, "preconditioning" | "sigmaData"> & { network: object | null };
/** What the metadata's "run" holds, JSON. */
type Origin = Pick<RunRecord, "name" | "kind" | "dataset" | "shape" | "settings">;

/**
 * Writes a trained denoiser or consistency model as one safetensors file: its averaged parameters under the names that `exportPublished` gives them, and as
 * JSON in the metadata how the network is made and what it was trained for.
 * @throws TangentLabError `invalid-argument` for a run that was not awaited, `file-system`.
 */
export async function saveDenoiser(path: string, model: TrainedDenoiser): Promise<void> {
  checkTrained("model", model);
  const { denoiser, parameters, record } = model;
  const { preconditioning, sigmaData, settings: network = null } = denoiser;
  const { name, kind, dataset, shape, settings } = record;
  await writeSafetensors(path, exportPublished(denoiser, parameters), {
    denoiser: JSON.stringify({ preconditioning, sigmaData, network } satisfies Description),
    run: JSON.stringify({ name, kind, dataset, shape, settings } satisfies Origin),
  });
}

/**
 * Reads what `saveDenoiser` has written: to sample from, to measure, to start a training from. What was recorded in training is not in the file.
 * @param network A network of your own that it was trained with; the library's own are made anew.
 * @throws TangentLabError `file-system`, `corrupt-file`; `invalid-data` naming a tensor that does not fit the network; `invalid-argument` without
 * `network` where it is needed.
 */
export async function loadDenoiser(path: string, network?: TimeNetwork): Promise<TrainedDenoiser> {
  const { tensors, metadata } = await readSafetensors(path);
  const corrupt = holdsNo("denoiser", path);
  const parse = <T extends object>(name: string): T => metadataJson(metadata, name, corrupt);
  const { preconditioning, sigmaData, network: own } = parse<Description>("denoiser");
  const { name, kind, dataset, shape, settings } = parse<Origin>("run");
  const { classes } = settings ?? {};
  const isKnown = Object.hasOwn(preconditionings, preconditioning);
  if (!isKnown) throw corrupt(`its preconditioning is ${preconditioning}`);
  check(own !== null || network !== undefined, "network", network, "the network it was trained with");
  try {
    const denoiser = preconditionings[preconditioning](network ?? networkFrom(own!), { sigmaData });
    const model = pretrained(denoiser, importPublished(denoiser, tensors), {
      ...{ shape, name, ...(typeof classes === "number" && { classes }) },
    });
    return { ...model, record: { ...model.record, kind, dataset, settings } };
  } catch (cause) {
    if (!(cause instanceof TangentLabError) || cause.code !== "invalid-argument") throw cause;
    throw corrupt(cause.message, cause);
  }
}
