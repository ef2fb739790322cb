import { existsSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { TangentLabError } from "../../errors.js";
import { onPath } from "../on-path.js";

/** What compiles the addon. */
export interface Tools {
  /** The command line of node-gyp. */
  nodeGyp: string[];
  compiler: string;
  /** Holds `include/node`; null where Node came without its headers: node-gyp then downloads them. */
  nodeFolder: string | null;
}

/** @throws TangentLabError `device-unavailable` naming what is missing, and how to get it. */
export function findTools(): Tools {
  const { CXX } = process.env;
  const named = CXX?.split(" ")[0];
  const compiler = named
    ? (existing(named) ?? onPath(named)) && CXX
    : (onPath("c++") ?? onPath("g++") ?? onPath("clang++"));
  if (!compiler)
    throw missing(named ? `the compiler ${named} of CXX is not there` : "there is no C++ compiler", "g++");
  if (!onPath("make")) throw missing("there is no make", "make");
  const nodeGyp = findNodeGyp();
  if (!nodeGyp)
    throw missing("there is no node-gyp", "npm", "npm, which has it inside, or `npm install node-gyp`");
  return { nodeGyp, compiler, nodeFolder: findHeaders() };
}

const missing = (
  what: string,
  debian: string,
  allowed = `one on the PATH: on Debian \`apt-get install ${debian}\``,
): TangentLabError => new TangentLabError("device-unavailable", what, { argument: "PATH", allowed });

const existing = (path: string | undefined): string | null => (path && existsSync(path) ? path : null);

/** npm says where its own is; else a project's, npm's inside it, or a program. */
function findNodeGyp(): string[] | null {
  const script = join("node-gyp", "bin", "node-gyp.js");
  const npm = onPath("npm");
  const besideNpm = npm && join(dirname(dirname(realpathSync(npm))), "node_modules", script);
  const besideNode = join(prefix(), "lib", "node_modules", "npm", "node_modules", script);
  const found =
    existing(process.env.npm_config_node_gyp) ??
    inProject() ??
    existing(besideNpm ?? undefined) ??
    existing(besideNode);
  if (found) return [process.execPath, found];
  const program = onPath("node-gyp");
  return program === null ? null : [program];
}

function inProject(): string | null {
  try {
    return createRequire(join(process.cwd(), "project.js")).resolve("node-gyp/bin/node-gyp.js");
  } catch {
    return null;
  }
}

/** Where Node is installed: its program is in the folder `bin` there. */
const prefix = (): string => dirname(dirname(realpathSync(process.execPath)));

function findHeaders(): string | null {
  const folders = [process.env.npm_config_nodedir, prefix()];
  return folders.find((each) => each && existsSync(join(each, "include", "node", "node_api.h"))) ?? null;
}
