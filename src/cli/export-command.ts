import { resolve } from "node:path";
import { loadDenoiser } from "../diffusion/model-file.js";
import { exportOnnx } from "../diffusion/onnx-file.js";

export interface ExportArguments {
  out: string;
  batch?: number;
  sigma?: number;
}

/** `tangent-lab export MODEL`: a one-step generator as an ONNX file for browsers, Python and others. */
export async function exportCommand(path: string, { out, batch, sigma }: ExportArguments): Promise<void> {
  const model = await loadDenoiser(path);
  if (model.record.kind === "denoiser")
    console.error(
      "note: the model is a denoiser: in one step from noise it gives means of the data, not samples",
    );
  await exportOnnx(out, model, {
    ...(batch !== undefined && { batch }),
    ...(sigma !== undefined && { sigma }),
  });
  console.log(resolve(out));
}
