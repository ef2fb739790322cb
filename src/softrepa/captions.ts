import { check } from "../errors.js";

/**
 * Checks that captions are a list of texts: a single string must not be read letter by letter.
 * @throws TangentLabError `invalid-argument` naming `argument`, or the entry that is not a text.
 */
export function checkCaptions(argument: string, captions: readonly string[]): void {
  check(typeof captions !== "string", argument, captions, "a list of captions: [caption]");
  check(Array.isArray(captions), argument, captions, "a list of captions");
  check(captions.length > 0, argument, "an empty list", "one or more captions");
  const other = captions.findIndex((caption) => typeof caption !== "string");
  check(other < 0, `${argument}[${other}]`, captions[other], "a caption, which is a string");
}

/**
 * The captions that guidance leads away from, one for each of `count` images: one for all, a list, or the empty caption.
 * @throws TangentLabError `invalid-argument` for a list of another length.
 */
export function negativeCaptions(given: string | readonly string[] = "", count: number): readonly string[] {
  if (typeof given === "string") return Array<string>(count).fill(given);
  checkCaptions("negativePrompt", given);
  check(
    given.length === count,
    "negativePrompt",
    `${given.length} captions`,
    `one caption, or ${count}: one for each image`,
  );
  return given;
}
