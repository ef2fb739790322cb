import { type GenericSchema, getDotPath, safeParse } from "valibot";
import type { TangentLabError } from "../errors.js";

/** Makes the error of a file that does not hold what it should. */
export type Corrupt = (why: string, cause?: unknown) => TangentLabError;

/** A valibot schema for JSON of type T, whose own types the notebook kernel's compiler does not know. */
export interface Schema<T> {
  readonly kind: "schema";
  readonly "~types"?: { readonly output: T } | undefined;
}

/** Objects within objects that a file may have; ours have fewer than ten. */
const mostNested = 64;

/** Characters of a message that quotes a file. */
export const quoted = 200;

/**
 * The value of JSON text from a file, checked against a schema, so that readers can rely on its types.
 * @param what What the text is, for the error: "config.json".
 * @param corrupt Makes the error.
 * @throws what `corrupt` makes for text that is not JSON, is nested too deep, or does not fit the schema.
 */
export function parseJson<T>(text: string, schema: Schema<T>, what: string, corrupt: Corrupt): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corrupt(`${what} is not JSON`, cause);
  }
  if (isDeep(value)) throw corrupt(`${what} is nested more than ${mostNested} deep`);
  const result = safeParse(schema as GenericSchema<unknown, T>, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = getDotPath(issue);
  const place = path === null ? what : `${path} of ${what}`;
  throw corrupt(`${place} is wrong: ${issue.message}`.slice(0, quoted));
}

/** Whether a value from JSON is nested deeper than it may be; goes level by level, because 20,000 levels are too many for a recursion. */
function isDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > mostNested) return true;
    const next: unknown[] = [];
    for (const each of level)
      if (typeof each === "object" && each !== null)
        for (const part of Object.values(each))
          if (typeof part === "object" && part !== null) next.push(part);
    level = next;
  }
  return false;
}
