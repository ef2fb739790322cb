import { TangentLabError } from "../errors.js";
import { withAtMost } from "./initializers.js";

/** Sizes up to here need no proof: images of so many pixels, the positions of a table. */
const small = 4096;

/** Parameters that follow from the settings, such as a table of positions, need not be in the file. */
const computed = 2 ** 20;

/**
 * A network of settings that a file declares, made only if the file has the weights for it: a size that is more than all its numbers is refused before
 * anything is made of it, and parameters before they are allocated.
 * @param settings From the file, JSON.
 * @param size How many numbers the file's tensors have together.
 * @throws TangentLabError `invalid-data` naming what is too large; and what `make` throws.
 */
export function ofFile<T>(settings: unknown, size: number, make: () => T): T {
  const most = Math.max(small, size);
  const large = largest(settings);
  if (large !== undefined && large.value > most)
    throw new TangentLabError("invalid-data", `${large.name} is more than the file has weights for`, {
      argument: large.name,
      given: large.value,
      allowed: `at most ${most}`,
    });
  return withAtMost(2 * size + computed, make);
}

/** The largest number in JSON, with the name of where it is. */
function largest(value: unknown, name = "settings"): { name: string; value: number } | undefined {
  if (typeof value === "number") return { name, value };
  if (typeof value !== "object" || value === null) return undefined;
  let most: { name: string; value: number } | undefined;
  for (const [key, part] of Object.entries(value)) {
    const found = largest(part, Array.isArray(value) ? name : key);
    if (found && !(found.value <= (most?.value ?? Number.NEGATIVE_INFINITY))) most = found;
  }
  return most;
}
