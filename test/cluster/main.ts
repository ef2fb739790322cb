// `npm run slurm`: a whole quick study through a Slurm of one node, this machine, as a user would: the file that --submit writes, the command that it prints, the report.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startSlurm, whyNoSlurm } from "./slurm.js";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));

/** Milliseconds until a study that hangs is given up. */
const patience = 600_000;

const why = whyNoSlurm();
if (why !== undefined) console.log(`left out: Slurm, ${why}`);
else await study();

async function study(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tangent-lab-slurm-"));
  const started = Date.now();
  const slurm = await startSlurm(folder, 2);
  try {
    const { env } = slurm;
    const inFolder = { cwd: folder, env };
    const options = ["experiment", "oscillation", "--quick", "--no-cache"];
    const submit = ["--submit", "slurm", "--shards", "2", "--cpus", "1", "--memory", "1"];
    const { stdout } = await run(process.execPath, [main, ...options, ...submit], inFolder);
    const lines = stdout.trimEnd().split("\n");
    console.log(stdout);
    const { stderr: tested } = await run("sbatch", ["--test-only", lines[0]!], inFolder);
    console.log(tested.trim());
    await run("sh", ["-c", lines.find((line) => line.startsWith("  sbatch"))!], inFolder);
    while ((await slurm.queued()) > 0) {
      if (Date.now() - started > patience) throw new Error(`not done in ${patience / 1000} s`);
      await setTimeout(1000);
    }
    for (const name of (await readdir(folder)).filter((each) => /^tangent-lab-.*\.log$/.test(each)))
      console.log(`${name}:\n${(await readFile(join(folder, name), "utf8")).slice(-1500)}`);
    const out = join(folder, "report", "oscillation-quick");
    const left = await run(process.execPath, [main, ...options, "--out", out], inFolder);
    const { seeds } = JSON.parse(await readFile(join(out, "results.json"), "utf8"));
    console.log(left.stdout.split("\n").slice(0, 12).join("\n"));
    console.log(`a study of ${seeds.report.length} seeds in ${Math.round((Date.now() - started) / 1000)} s`);
  } finally {
    await slurm.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
