import { existsSync } from "node:fs";

/** EfficientNet-Lite0's weights as docs/weights.md makes them: the variable EFFICIENTNET_LITE0. Null where there are none. */
export function findEfficientNet(): string | null {
  const path = process.env.EFFICIENTNET_LITE0;
  if (path && existsSync(path)) return path;
  console.log(
    `skipped: ${path ? `${path} (EFFICIENTNET_LITE0) is not there` : "EFFICIENTNET_LITE0 is not set"}; docs/weights.md says how to make ImageNet's weights`,
  );
  return null;
}
