import { execFile } from "node:child_process";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { root } from "../../notebooks/jupyter.js";

const run = promisify(execFile);

interface Packed {
  filename: string;
  files: { path: string }[];
}

/** What `npm pack` makes of the built package, in a folder. */
export async function pack(folder: string): Promise<{ file: string; paths: string[] }> {
  const options = ["--ignore-scripts", "--json", "--pack-destination", folder];
  const shell = process.platform === "win32";
  const { stdout } = await run("npm", ["pack", ...options], { cwd: root, shell, maxBuffer: 2 ** 26 });
  const [packed] = JSON.parse(stdout) as [Packed];
  return { file: join(folder, packed.filename), paths: packed.files.map(({ path }) => path) };
}

/**
 * A folder as `npm install TARBALL` leaves it, but that the packages that tangent-lab depends on, and they alone, are links to this repository's: nothing is
 * downloaded.
 * @param besides Packages that are installed with it; what they depend on is found beside where their links lead.
 */
export async function installPacked(folder: string, besides: readonly string[] = ["tslab"]): Promise<void> {
  const modules = join(folder, "node_modules");
  const own = join(modules, "tangent-lab");
  await mkdir(own, { recursive: true });
  const { file } = await pack(folder);
  await run("tar", ["-xzf", file, "-C", own, "--strip-components", "1"]);
  const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dependencies?: object; dev?: boolean }>;
  };
  const names = Object.entries(packages).flatMap(([path, { dev }]) => {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    return name && (!dev || besides.includes(name)) ? [name] : [];
  });
  for (const name of names) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, "node_modules", name), join(modules, name), "junction").catch((error) => {
      // Optional packages of other systems are in the lock file, and not installed: their links lead nowhere.
      if (error.code !== "EEXIST") throw error;
    });
  }
}
