// Jupyter counts characters (code points), JavaScript counts halves of those beyond the first 65,536.

/** The index in `text` of its character number `characters`. */
export const toIndex = (text: string, characters: number): number =>
  [...text].slice(0, Math.max(0, characters)).join("").length;

/** How many characters there are before an index. */
export const toCharacters = (text: string, index: number): number => [...text.slice(0, index)].length;

/**
 * Where to look for what is asked about at an index, best first: the name there, the name that ends there, and the function whose call is being written there.
 */
export function* placesOf(text: string, index: number): Generator<number> {
  yield index;
  if (index > 0) yield index - 1;
  let open = 0;
  for (let at = index - 1; at >= 0; at--) {
    if (text[at] === ")") open++;
    else if (text[at] === "(") {
      if (open > 0) open--;
      else {
        const callee = text.slice(0, at).trimEnd();
        if (/[\w$]$/.test(callee)) yield callee.length - 1;
      }
    }
  }
}
