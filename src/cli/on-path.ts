import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a program is on the PATH; null where it is not. */
export function onPath(program: string): string | null {
  for (const folder of (process.env.PATH ?? "").split(delimiter).filter(Boolean)) {
    for (const file of process.platform === "win32" ? [`${program}.cmd`, program] : [program]) {
      try {
        accessSync(join(folder, file), constants.X_OK);
        return join(folder, file);
      } catch {
        // Not here.
      }
    }
  }
  return null;
}
