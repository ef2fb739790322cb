/** A module of Node's own; undefined in a browser. Code that also runs there must not import it: a bundler would look for it. */
export const nodeModule = <Id extends keyof NodeModules>(id: Id): NodeModules[Id] | undefined =>
  globalThis.process?.getBuiltinModule?.(id) as NodeModules[Id] | undefined;

interface NodeModules {
  "node:fs": typeof import("node:fs");
  "node:module": typeof import("node:module");
  "node:path": typeof import("node:path");
}
