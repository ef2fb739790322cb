import * as v from "valibot";
import { TangentLabError } from "../../src/errors.js";
import { type Classes, classesOf } from "../classes.js";
import { brief, unfit } from "./source.js";

/** The file of labels beside pictures, as StyleGAN's and EDM's tools write it: {"labels": [["00000/img00000000.png", 6], ...]}, or null for none. */
export const labelsFile = "dataset.json";

const vector = v.array(v.number());
const schema = v.looseObject({
  labels: v.nullish(v.array(v.tuple([v.string(), v.union([v.number(), v.string(), vector])]))),
});

/**
 * The classes of pictures by a `dataset.json`; undefined where it says that there are none.
 * @param path of the file, for errors.
 * @param names of the pictures as the file writes them, with "/".
 * @throws TangentLabError `corrupt-file` for a file that is not like that, `invalid-data` for pictures without a label and labels without a picture.
 */
export function classesByJson(
  path: string,
  bytes: Uint8Array,
  names: readonly string[],
): Classes | undefined {
  const allowed = 'a file {"labels": [["name.png", 6], ...]}';
  const corrupt = (why: string, cause?: unknown): TangentLabError =>
    new TangentLabError("corrupt-file", `${path} has no labels: ${why}`, {
      argument: "path",
      allowed,
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt("it is not JSON", cause);
  }
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) throw corrupt("it is of another form");
  const { labels } = parsed.output;
  if (labels == null) return undefined;
  const byName = new Map<string, number | string>();
  for (const [name, label] of labels) {
    if (typeof label === "object")
      throw unfit(
        path,
        `the label of ${brief(name)} is a list of numbers`,
        "a class for each picture, or label: false to leave labels out",
      );
    byName.set(name.replaceAll("\\", "/"), label);
  }
  const bare = names.find((name) => !byName.has(name));
  if (bare !== undefined) throw unfit(path, `no label of ${brief(bare)}`, "a label for each picture");
  if (byName.size > names.length) {
    const known = new Set(names);
    const extra = [...byName.keys()].find((name) => !known.has(name))!;
    throw unfit(path, `it names ${brief(extra)}, which is not there`, "pictures that are there");
  }
  return classesOf(
    names.map((name) => byName.get(name)!),
    names.length,
  );
}
