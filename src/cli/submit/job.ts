/** What a cluster is to run: a study in so many shards. */
export interface ClusterJob {
  study: string;
  /** What names the job and its files. */
  name: string;
  shards: number;
  /** Of `tangent-lab experiment`, which decide the trials and how they are run: without --shard and --out. */
  options: readonly string[];
  /** Where all shards write: a folder on a disk that they share. */
  out: string;
  /** Of each shard. */
  cpus: number;
  /** Of each shard, in GiB. */
  memory: number;
  /** A container image, or an Apptainer file; without one the command as it is installed here is run. */
  image: string | undefined;
}

/** A word for a POSIX shell. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A command for a POSIX shell. */
export const shellCommand = (words: readonly string[]): string => words.map(shellWord).join(" ");

/** What jobs and files are called. */
export const jobName = (name: string): string => `tangent-lab-${name}`;
