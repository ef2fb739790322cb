// The reference of the public names, made by TypeDoc from their docstrings.
import { join } from "node:path";
import { Application, Logger, LogLevel, PageEvent, type ProjectReflection } from "typedoc";
import { relative, root } from "./documents.js";
import { places } from "./layout.js";

/** Keeps what TypeDoc finds wrong instead of printing it. */
class Findings extends Logger {
  readonly texts: string[] = [];
  override log(message: string, level: LogLevel): void {
    super.log(message, level);
    // A docstring that stands with several declarations of one name, as in unions, is found several times.
    if (level >= LogLevel.Warn && !/multiple declarations with a comment/.test(message))
      this.texts.push(message);
  }
}

export interface Api {
  application: Application;
  project: ProjectReflection;
  /** In words: names without docstring, links that lead nowhere, types that are met and not exported. Empty where all is well. */
  findings: readonly string[];
}

/** Reads the names and docstrings of all that package.json exports. */
export async function readApi(): Promise<Api> {
  const application = await Application.bootstrap({
    name: "tangent-lab",
    entryPoints: ["src/index.ts", "viz/index.ts", "datasets/index.ts"].map((path) => join(root, path)),
    tsconfig: join(root, "tsconfig.build.json"),
    readme: "none",
    includeHierarchySummary: false,
    disableSources: true,
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    skipErrorChecking: true, // `npm run typecheck` has checked
    hideGenerator: true,
    customCss: join(root, "site/api.css"),
    sortEntryPoints: false,
    sort: ["kind", "alphabetical"],
    groupOrder: ["Namespaces", "Functions", "Variables", "Classes", "Interfaces", "Type Aliases"],
    kindSortOrder: ["Namespace", "Function", "Variable", "Class", "Interface", "TypeAlias"],
    requiredToBeDocumented: [
      ...(["Module", "Namespace", "Class", "Interface", "Enum"] as const),
      ...(["Function", "Variable", "TypeAlias"] as const),
    ],
    // What hands a user's values to each other inside, and is never written by one.
    intentionallyNotExported: ["Release", "Schema"],
    validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  });
  const found = new Findings();
  application.logger = found;
  const project = await application.convert();
  if (!project) throw new Error(`TypeDoc read nothing: ${found.texts.join("\n")}`);
  application.validate(project);
  return { application, project, findings: found.texts };
}

/**
 * Writes the reference into a folder of the site, `api`.
 * @throws Error naming each public name that has no docstring.
 */
export async function writeApi(folder: string): Promise<void> {
  const { application, project, findings } = await readApi();
  if (findings.length > 0) throw new Error(`the reference is not complete:\n${findings.join("\n")}`);
  application.renderer.on(PageEvent.END, (page) => {
    const to = (address: string): string => relative(`api/${page.url}`, address);
    const links = places.slice(1).map(([title, address]) => `<a href="${to(address)}">${title}</a>`);
    page.contents = page
      .contents!.replace('<div id="tsd-toolbar-links">', (open) => open + links.join(""))
      .replace(/<a href="[^"]*" class="title"/, `<a href="${to("index.html")}" class="title"`)
      // A page on disk may not use another file's icons; assets/icons.js puts them into the page anyway.
      .replace(/href="[^"]*assets\/icons\.svg#/g, 'href="#');
  });
  await application.generateDocs(project, folder);
}
