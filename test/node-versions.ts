// `npm run node-versions -- 22 24`: tries the packed package on these releases of Node (20, 22 and 24 without one): both ways to import it, a training,
// the command line. Takes Node from the npm registry, on Linux and macOS, so it is no test of `npm test`. Build before.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { installPacked } from "./notebook/packed.js";

const run = promisify(execFile);
const versions = process.argv.length > 2 ? process.argv.slice(2) : ["20", "22", "24"];

/** The package that the package `node` would install by a script. */
const name = `node-${process.platform}-${process.arch}`;

const training = `import { consistency, datasets, diffusion, engine, manifold } from "tangent-lab";
import * as viz from "tangent-lab/viz";
const data = datasets.embed(datasets.spiral(), 8);
const from = await diffusion.train(data, { steps: 50 });
const features = await manifold.train(data, { steps: 50 });
const model = await consistency.train(data, { from, steps: 50, loss: consistency.mfd(features) });
await viz.save(viz.metricCurves({ MFD: model }), "curves.png");
console.log(await engine.describeDevice(), model.record.curve.at(-1).metrics);
`;

const folder = await realpath(await mkdtemp(join(tmpdir(), "tangent-lab-node-")));
let failed = false;
try {
  await installPacked(folder);
  await writeFile(join(folder, "training.mjs"), training);
  const cli = join(folder, "node_modules", "tangent-lab", "dist", "src", "cli", "main.js");
  for (const version of versions) {
    const place = join(folder, `node-${version}`);
    await mkdir(place);
    await writeFile(join(place, "package.json"), "{}");
    await run("npm", ["install", "--silent", "--no-audit", "--no-fund", `${name}@${version}`], {
      cwd: place,
    });
    const program = join(place, "node_modules", name, "bin", "node");
    const { stdout } = await run(program, ["--version"]);
    const tried: Record<string, string[]> = {
      require: ["-e", 'console.log(Object.keys(require("tangent-lab")).length, "names")'],
      training: ["training.mjs"],
      "--help": [cli, "--help"],
      doctor: [cli, "doctor", "--json"],
    };
    for (const [what, args] of Object.entries(tried)) {
      const start = performance.now();
      const done = await run(program, args, { cwd: folder, maxBuffer: 2 ** 26 }).catch((error) => error);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      // Warnings are for users to see, and so none may be of Node's.
      const problem = done.code !== undefined || /Warning/.test(done.stderr);
      if (problem) failed = true;
      const said = problem ? `failed: ${done.stderr}` : what === "training" ? done.stdout.trim() : "";
      console.log(`Node ${stdout.trim()}, ${what}, ${seconds} s ${said}`);
    }
  }
} finally {
  await rm(folder, { recursive: true });
}
process.exitCode = failed ? 1 : 0;
