import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { threadsVariable } from "../../engine/environment.js";
import { type ClusterJob, jobName, shellCommand, shellWord } from "./job.js";

/** Seconds before its end in which a shard writes its checkpoints. */
const warning = 120;

/** The command line as it is installed here. */
const main = fileURLToPath(new URL("../main.js", import.meta.url));

/**
 * A script for `sbatch`: an array with a task for each shard, from 1. A shard is told of its end before it comes, and what was begun goes on with the next
 * `sbatch`. @param folder Where the tasks run: paths are relative to it.
 */
export function slurmScript(job: ClusterJob, folder: string): string {
  const { study, name, shards, options, out, cpus, memory, image } = job;
  const program = image === undefined ? ["node", main] : inContainer(image, folder);
  const command = shellCommand([...program, "experiment", study, ...options, "--out", resolve(folder, out)]);
  return `#!/bin/bash
#SBATCH --job-name=${jobName(name)}
#SBATCH --array=1-${shards}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=${cpus}
#SBATCH --mem=${memory}G
#SBATCH --signal=TERM@${warning}
#SBATCH --output=${jobName(name)}-%a.log
#SBATCH --open-mode=append
# What else the cluster wants, such as --partition, --account or --time, is given to sbatch.
set -euo pipefail
cd ${shellWord(folder)}
export ${threadsVariable}="\${${threadsVariable}:-$SLURM_CPUS_PER_TASK}"
exec srun --cpus-per-task="$SLURM_CPUS_PER_TASK" ${command} --shard "$SLURM_ARRAY_TASK_ID/${shards}"
`;
}

/** Apptainer takes images of registries, and files of its own kind. */
function inContainer(image: string, folder: string): string[] {
  const source = /\.sif$|^\w+:\/\//.test(image) ? image : `docker://${image}`;
  return ["apptainer", "exec", "--bind", folder, "--pwd", folder, source, "tangent-lab"];
}
