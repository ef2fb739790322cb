import { check } from "../errors.js";
import { oscillation } from "./studies/oscillation.js";
import type { Study } from "./study.js";

/** All studies, by name. */
export const studies: readonly Study[] = [oscillation];

/** @throws TangentLabError `invalid-argument` listing the names. */
export function studyByName(name: string): Study {
  const study = studies.find((each) => each.name === name);
  check(study !== undefined, "experiment", name, studies.map((each) => each.name).join(", "));
  return study;
}
