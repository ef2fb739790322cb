import { existsSync } from "node:fs";
import { environment } from "../engine/environment.js";
import { check } from "../errors.js";
import { readSafetensors } from "../io/safetensors.js";
import { efficientNetLite0 } from "../nn/efficient-net.js";
import type { FeatureNetwork } from "../nn/features.js";
import { flatten } from "../nn/network.js";
import { importPublished } from "../nn/published.js";

/** The environment variable with the file of EfficientNet-Lite0's weights, as docs/weights.md makes it. */
export const imagenetVariable = "EFFICIENTNET_LITE0";

/** Pixels to which pictures are enlarged for it. */
const size = 32;

/** Why ImageNet's weights cannot be used; undefined where they can. */
export function imagenetMissing(): string | undefined {
  const path = environment(imagenetVariable);
  if (path && existsSync(path)) return undefined;
  const why = path ? `${path} (${imagenetVariable}) is not there` : `${imagenetVariable} is not set`;
  return `${why}; docs/weights.md says how to make ImageNet's weights`;
}

/** EfficientNet-Lite0 with ImageNet's weights. @throws TangentLabError `invalid-argument` where they are missing. */
export async function imagenet(): Promise<FeatureNetwork> {
  const missing = imagenetMissing();
  check(missing === undefined, imagenetVariable, environment(imagenetVariable), missing ?? "");
  const model = flatten(efficientNetLite0({ size }));
  const { tensors } = await readSafetensors(environment(imagenetVariable)!);
  return { model, parameters: importPublished(model, tensors) };
}
