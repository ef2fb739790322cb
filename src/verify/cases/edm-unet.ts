import type { CaseKind } from "../case.js";
import { denoiserOf } from "../networks.js";
import { valueAndGradients } from "./gradients.js";

/**
 * The preconditioned U-Net of the metadata's `config` with `weights.`: `denoised` of `x`, `sigma` and, where given, `class_labels` and
 * `augment_labels`; for the sum of `denoised` times `cotangent`: `grad_x` and `grad.<parameter>`.
 */
export const edmUnet: CaseKind = {
  kind: "edm_unet",
  verify: (file) => {
    const { model, weights } = denoiserOf(file);
    return valueAndGradients(file, model, weights("weights."), { time: "sigma", output: "denoised" });
  },
};
