import { check, TangentLabError } from "../../errors.js";
import { checkCaptions } from "../captions.js";

/** Numbers of the special tokens. */
export const special = { padding: 0, start: 1, end: 2, unknown: 3 } as const;

/** The words that a text encoder knows. */
export interface Vocabulary {
  /** In order of their numbers, which begin behind those of `special`. */
  readonly words: readonly string[];
  /** Different token numbers, the special ones included. */
  readonly size: number;
  /** Numbers of a caption's words; unknown ones are `special.unknown`. Without start, end and padding. */
  numbers(caption: string): number[];
}

/** Options of `trainVocabulary`. */
export interface VocabularyConfig {
  /** Words that are rarer count as unknown. Default 1. */
  minCount?: number;
  /** At most so many words, the most frequent ones. Default 4096. */
  maxWords?: number;
}

/** Words, numbers and single signs, in lower case: "A red-ish cat!" -> a, red, -, ish, cat, !. */
export const wordsOf = (caption: string): string[] =>
  caption
    .normalize("NFKC")
    .toLowerCase()
    .match(/[\p{L}\p{M}]+|\p{N}+|[^\p{L}\p{M}\p{N}\s]/gu) ?? [];

/** A vocabulary of captions' words, the most frequent first. @throws TangentLabError `invalid-argument` for captions without words. */
export function trainVocabulary(captions: readonly string[], config: VocabularyConfig = {}): Vocabulary {
  check.only("trainVocabulary", config, ["minCount", "maxWords"]);
  const { minCount = 1, maxWords = 4096 } = config;
  checkCaptions("captions", captions);
  for (const [name, value] of Object.entries({ minCount, maxWords })) check.count(name, value);
  const counts = new Map<string, number>();
  for (const caption of captions) {
    for (const word of wordsOf(caption)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const frequent = [...counts].filter(([, count]) => count >= minCount);
  check(frequent.length > 0, "captions", `no word ${minCount} times`, "captions with words");
  // Equally frequent words in the order of the alphabet, so that the order of captions does not matter.
  frequent.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return vocabulary(frequent.slice(0, maxWords).map(([word]) => word));
}

/** A vocabulary from its words, as `words` of another one has them. @throws TangentLabError `invalid-data` for a repeated word or an entry that is not a word. */
export function vocabulary(words: readonly string[]): Vocabulary {
  check(Array.isArray(words), "words", words, "a list of words");
  const count = Object.keys(special).length;
  const numbers = new Map<string, number>();
  words.forEach((word, i) => {
    if (typeof word !== "string" || word === "" || numbers.has(word)) {
      throw new TangentLabError("invalid-data", "these words make no vocabulary", {
        argument: `words[${i}]`,
        given: word,
        allowed: "words, each once",
      });
    }
    numbers.set(word, count + i);
  });
  return {
    words,
    size: count + words.length,
    numbers: (caption) => wordsOf(caption).map((word) => numbers.get(word) ?? special.unknown),
  };
}
