import * as v from "valibot";
import { TangentLabError } from "../../errors.js";
import { parseJson } from "../../io/json.js";
import type { Diagnosis } from "./diagnosis.js";
import { probing, reasonIn } from "./engines.js";

/** What the process that chooses is asked to probe. */
export const automatically = "auto";

/** What is taken where no engine is asked for, found in a process of its own: to choose an engine is to start it, and a library may end its process. */
export async function chosen(): Promise<Diagnosis["chosen"]> {
  const { code, out, errors } = await probing(automatically);
  const none = (why: string): Diagnosis["chosen"] => ({ engine: null, description: null, why });
  if (code !== 0) return none(reasonIn(errors) || `the process that chose ended without a word (${code})`);
  return parseJson(out.trimEnd().split("\n").at(-1)!, schema, "the choice", (why, cause) => {
    return new TangentLabError("device-unavailable", why, { argument: "engine", cause });
  });
}

const schema = v.object({
  engine: v.nullable(v.string()),
  description: v.nullable(v.string()),
  why: v.string(),
});
