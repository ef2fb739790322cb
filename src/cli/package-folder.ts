import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";

/** The folder of this tangent-lab: a clone, or a package that was installed. */
export const packageFolder: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
})();

const manifestSchema = v.object({
  version: v.string(),
  devDependencies: v.record(v.string(), v.string()),
});

/** This package's version, and those of what it is developed with. */
export const manifest = (): v.InferOutput<typeof manifestSchema> =>
  v.parse(manifestSchema, JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")));
