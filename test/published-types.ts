// `npm run types -- 5.0 5.4`: compiles programs against the packed package with these versions of TypeScript (all from 5.0 on without one), under each way of
// finding modules that they have. Takes the versions from the npm registry, so it is no test of `npm test`. Build before.
import { execFile } from "node:child_process";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { installPacked } from "./notebook/packed.js";
import { readSnippets } from "./snippets/read.js";

const run = promisify(execFile);
const all = Array.from({ length: 10 }, (_, minor) => `5.${minor}`);
const versions = process.argv.length > 2 ? process.argv.slice(2) : all;

/** What projects set: of old ones, of Node's modules, and of bundlers. */
const settings: Record<string, string[]> = {
  node10: ["--module", "esnext", "--moduleResolution", "node10"],
  node16: ["--module", "node16", "--moduleResolution", "node16"],
  bundler: ["--module", "esnext", "--moduleResolution", "bundler"],
};

/** A program that uses what is typed with care; the second is wrong, so that types that are `any` are noticed. */
const good = `import { consistency, datasets, diffusion, manifold } from "tangent-lab";
import { spiral } from "tangent-lab/datasets";
import * as viz from "tangent-lab/viz";
const data = spiral();
const from = await diffusion.train(data, { steps: 10 });
const features = await manifold.train(data);
const runs = await viz.live({ mfd: consistency.train(data, { from, loss: consistency.mfd(features) }) });
const chart: viz.VegaLiteSpec = viz.tangentField(runs);
void [chart, datasets.circle()];
`;
const bad = `import { consistency, datasets } from "tangent-lab";
export const wrong: string = consistency.train(datasets.spiral()).record.seconds;
`;

const folder = await realpath(await mkdtemp(join(tmpdir(), "tangent-lab-types-")));
let failed = false;
try {
  await installPacked(folder, ["@types/node"]);
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  const programs = { "good.ts": good, ...(await readSnippets()) };
  const files = Object.entries(programs).map(([name, code]) => [`${name.replaceAll(/\W/g, "-")}.ts`, code]);
  for (const [name, code] of [...files, ["bad.ts", bad]]) await writeFile(join(folder, name!), code!);
  for (const version of versions) {
    const compile = async (names: string[], options: string[]): Promise<string> => {
      // Declarations are checked too (no skipLibCheck): ours, and what they import. Of those, what is wrong is named and not counted: TypeScript 5.0 knows no
      // VideoFrame, which @webgpu/types asks for.
      const flags = [
        "--noEmit",
        "--strict",
        "--target",
        "es2022",
        "--lib",
        "es2022,dom",
        "--types",
        "node,long",
      ];
      const command = ["--yes", "-p", `typescript@${version}`, "tsc", ...flags, ...options, ...names];
      const done = await run("npx", command, { cwd: folder, maxBuffer: 2 ** 26 }).catch((error) => error);
      return done.stdout;
    };
    for (const [name, options] of Object.entries(settings)) {
      const problems = await compile(
        files.map(([file]) => file!),
        options,
      );
      const lines = problems.split("\n").filter((line) => line !== "");
      const foreign = lines.filter((line) => /node_modules\/(?!tangent-lab\/)/.test(line));
      const own = lines.filter((line) => !foreign.includes(line));
      const packages = [
        ...new Set(foreign.map((line) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(line)![1])),
      ];
      const others = packages.length > 0 ? ` (wrong in declarations of ${packages.join(", ")})` : "";
      const wrong = await compile(["bad.ts"], options);
      const noticed = /bad\.ts\(2,14\): error TS2322: Type 'number'/.test(wrong);
      if (own.length > 0 || !noticed) failed = true;
      const result = own.join("\n") || "no errors";
      console.log(`${version} ${name}: ${result}${noticed ? "" : "; types are any"}${others}`);
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
process.exitCode = failed ? 1 : 0;
