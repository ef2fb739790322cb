import { flatten } from "../../nn/network.js";
import { ofFile } from "../../nn/of-file.js";
import { type Unet2dConfig, unet2d } from "../../nn/unet2d.js";
import type { CaseKind } from "../case.js";
import { configSchema, weightsOf, within } from "../networks.js";
import { valueAndGradients } from "./gradients.js";

/**
 * The U-Net of the metadata's `config` (diffusers' UNet2DModel) with `weights.`: `output` of `x`, `t` and, where given, `class_labels` (one-hot); for the sum of
 * `output` times `cotangent`: `grad_x` and `grad.<parameter>`.
 */
export const unet2dCase: CaseKind = {
  kind: "unet2d",
  verify: async (file) => {
    const config = file.json("config", configSchema) as Unet2dConfig; // which it checks
    const model = within(file, "config", () => ofFile(config, file.size, () => flatten(unet2d(config))));
    const parameters = weightsOf(file, model, "weights.");
    return valueAndGradients(file, model, parameters, { time: "t", output: "output" });
  },
};
