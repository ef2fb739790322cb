import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** The TypeScript of README and docs, by file: a file's snippets go on from one to the next, as one program. */
export async function readSnippets(): Promise<Record<string, string>> {
  const docs = (await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md")).sort();
  const found: Record<string, string> = {};
  for (const file of ["README.md", ...docs.map((name) => `docs/${name}`)]) {
    const text = await readFile(join(root, file), "utf8");
    const blocks = Array.from(text.matchAll(/```ts\n(.*?)```/gs), ([, code]) => code);
    if (blocks.length > 0) found[file] = `${blocks.join("\n")}\nexport {};\n`;
  }
  return found;
}
