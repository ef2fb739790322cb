// Links between files of the repository as links between pages of the site.
import { statSync } from "node:fs";
import { join, posix } from "node:path";
import { TangentLabError } from "../src/errors.js";
import { addressOf, relative, root } from "./documents.js";

/** Whether a path leads out of the repository, or to what is not for readers. */
const isPrivate = (path: string): boolean =>
  path !== "." &&
  path.split("/").some((part) => part === "node_modules" || part.startsWith(".") || part.includes("\0"));

/** An address as a path; as it is where its escapes are none. */
function decoded(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}

/** Turns links of the repository into the site's, and notes what they need besides the pages that are there anyway. */
export class Links {
  /** Pictures to copy, by their paths in the repository and in the site. */
  readonly pictures = new Set<string>();
  /** Files and folders of the repository that get a page with their text. */
  readonly sources = new Set<string>();
  readonly #pages: ReadonlySet<string>;

  /** @param pages The documents and lessons, by their paths in the repository. */
  constructor(pages: Iterable<string>) {
    this.#pages = new Set(pages);
  }

  /**
   * For the text of a file: what becomes of its links.
   * @param path The file's in the repository.
   * @param address Of the page that has the text; the file's own where it is not given.
   * @throws TangentLabError `invalid-data` if a link leads to nothing, or to what is not for readers: hidden files and packages.
   */
  from(path: string, address = addressOf(path)): (href: string) => string {
    return (href) => {
      if (/^([a-z][a-z0-9+.-]*:|#)/i.test(href)) return href;
      const [, file, hash] = /^([^#]*)(#.*)?$/.exec(href)!;
      const target = posix.join(posix.dirname(path), decoded(file!)).replace(/\/$/, "");
      return relative(address, this.#place(path, target)) + (hash ?? "");
    };
  }

  #place(path: string, target: string): string {
    if (this.#pages.has(target)) return addressOf(target);
    const found = isPrivate(target) ? undefined : statSync(join(root, target), { throwIfNoEntry: false });
    if (!found)
      throw new TangentLabError(
        "invalid-data",
        `${path} links to ${target}, which is not in the repository`,
        {
          argument: path,
          given: target,
          allowed: "files and folders of the repository; none that is hidden, none in node_modules",
        },
      );
    if (/\.(png|gif|jpe?g|svg)$/.test(target)) {
      this.pictures.add(target);
      return target;
    }
    this.sources.add(target);
    return found.isDirectory() ? `${target}/index.html` : addressOf(target);
  }
}
