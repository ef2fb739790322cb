// What is wrong with a folder of pages: links that lead nowhere, what is loaded from elsewhere, ids that are there twice.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const attributes = /<([a-z][a-z0-9]*)\b([^<>]*?)\/?>/gi;
const attribute = (text: string, name: string): string | undefined =>
  new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(text)?.[1]?.replaceAll("&amp;", "&");

interface Tag {
  name: string;
  text: string;
}

/** The tags of a page; what stands in scripts is none. */
function tagsOf(html: string): Tag[] {
  const plain = html
    .replace(/(<script\b[^>]*>)[\s\S]*?<\/script>/g, "$1")
    .replace(/<style>[\s\S]*?<\/style>/g, "");
  return [...plain.matchAll(attributes)].map(([, name, text]) => ({
    name: name!.toLowerCase(),
    text: text!,
  }));
}

/** In words, each problem once; `count` is of the links that were followed. */
export function crawl(folder: string): { problems: string[]; pages: number; count: number } {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".html"),
  );
  const tags = new Map(
    paths.map((path) => [resolve(folder, path), tagsOf(readFileSync(join(folder, path), "utf8"))]),
  );
  const ids = new Map<string, Set<string>>();
  const problems = new Set<string>();
  let count = 0;
  for (const [path, all] of tags) {
    const own = all.flatMap(({ text }) => attribute(text, "id") ?? []);
    ids.set(path, new Set(own));
    const page = relative(folder, path);
    for (const id of new Set(own.filter((id, i) => own.indexOf(id) !== i)))
      problems.add(`${page}: two of id ${id}`);
  }
  for (const [path, all] of tags)
    for (const { name, text } of all)
      for (const kind of ["href", "src"]) {
        const address = attribute(text, kind);
        if (address === undefined || /^(data|blob|mailto):/.test(address)) continue;
        const page = relative(folder, path);
        if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(address)) {
          if (name !== "a") problems.add(`${page}: <${name}> loads ${address}`);
          continue;
        }
        count++;
        const [, file, , hash] = /^([^?#]*)(\?[^#]*)?(?:#(.*))?$/.exec(address)!;
        const target = file === "" ? path : resolve(dirname(path), decodeURIComponent(file!));
        if (address.startsWith("/") || relative(folder, target).startsWith(".."))
          problems.add(`${page}: ${address} is outside of the site`);
        else if (!statSync(target, { throwIfNoEntry: false })?.isFile())
          problems.add(`${page}: ${address} is no file`);
        // Icons are put into TypeDoc's pages by its script.
        else if (hash && name !== "use" && ids.has(target) && !ids.get(target)!.has(decodeURIComponent(hash)))
          problems.add(`${page}: ${address} has no such place`);
      }
  return { problems: [...problems], pages: paths.length, count };
}
