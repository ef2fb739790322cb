// What the site is made of, and where in it each file of the repository is.
import { readdir } from "node:fs/promises";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../", import.meta.url));

/** The documents at the top of the repository. */
const top = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "SECURITY.md",
  "THIRD_PARTY.md",
];

const named = async (folder: string, ending: string): Promise<string[]> =>
  (await readdir(join(root, folder)))
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => `${folder}/${name}`);

/** The documents in Markdown: paths in the repository, with forward slashes. */
export const documents = async (): Promise<string[]> => [...top, ...(await named("docs", ".md"))];

/** The lessons in their order. */
export const lessons = (): Promise<string[]> => named("notebooks", ".ipynb");

/** Where in the site the page of a file of the repository is; README is the first page. */
export const addressOf = (path: string): string =>
  path === "README.md" ? "index.html" : path.replace(/(\.md|\.ipynb)?$/, ".html");

/** How the page at one address of the site links to another. */
export const relative = (from: string, to: string): string => posix.relative(posix.dirname(from), to);
