import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a program is on the PATH; null where it is not. */
export function onPath(program: string): string | null {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      // Not here.
    }
  }
  return null;
}
