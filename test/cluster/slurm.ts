// A Slurm of one node, this machine, of its own daemons in a folder: from Debian's packages slurm-wlm and munge. Root is needed.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { onPath } from "../../src/cli/on-path.js";

const run = promisify(execFile);

export interface Slurm {
  /** For `sbatch` and the like. */
  env: NodeJS.ProcessEnv;
  /** Jobs, and tasks of arrays, that wait or run. */
  queued(): Promise<number>;
  stop(): Promise<void>;
}

const daemons = ["munged", "slurmctld", "slurmd"] as const;
const folders = ["/usr/sbin", "/usr/local/sbin"];

/** What keeps a Slurm from being started here; undefined where nothing does. */
export function whyNoSlurm(): string | undefined {
  process.env.PATH = [process.env.PATH, ...folders].join(":");
  const missing = [...daemons, "sbatch"].filter((name) => onPath(name) === null);
  if (missing.length > 0) return `without ${missing.join(", ")} (Debian: slurm-wlm, munge)`;
  return process.getuid?.() === 0 ? undefined : "without root";
}

/** @throws Error with the daemons' logs where the node is not ready in half a minute. */
export async function startSlurm(folder: string, cores: number): Promise<Slurm> {
  const at = (name: string): string => join(folder, name);
  for (const name of ["munge", "state", "spool"])
    await mkdir(at(name), { mode: name === "munge" ? 0o711 : 0o755 });
  await writeFile(at("munge/key"), randomBytes(128), { mode: 0o400 });
  await writeFile(at("slurm.conf"), await configuration(folder, cores));
  const env = { ...process.env, SLURM_CONF: at("slurm.conf") };
  const running: ChildProcess[] = [];
  const start = (command: string, args: string[]): void => {
    running.push(spawn(command, args, { env, stdio: "ignore" }));
  };
  const stop = async (): Promise<void> => {
    for (const each of running.reverse()) {
      if (each.exitCode !== null || each.signalCode !== null) continue;
      const ended = new Promise((resolve) => each.once("exit", resolve));
      each.kill("SIGTERM");
      await Promise.race([ended, setTimeout(10_000, undefined, { ref: false })]);
      each.kill("SIGKILL");
    }
  };
  const munge = ["key-file=munge/key", "socket=munge/socket", "pid-file=munge/pid", "log-file=munge/log"];
  const placed = munge.map((each) => `--${each.replace("=", `=${folder}/`)}`);
  start("munged", ["--foreground", "--force", `--seed-file=${at("munge/seed")}`, ...placed]);
  await setTimeout(500);
  start("slurmctld", ["-D", "-c", "-f", at("slurm.conf")]);
  start("slurmd", ["-D", "-f", at("slurm.conf")]);
  for (let i = 0; i < 60; i++) {
    const state = await run("sinfo", ["--noheader", "--format=%t"], { env }).catch(() => undefined);
    if (state?.stdout.trim() === "idle")
      return {
        env,
        stop,
        queued: async () => {
          const { stdout } = await run("squeue", ["--noheader", "--array", "--format=%i"], { env });
          return stdout.split("\n").filter(Boolean).length;
        },
      };
    await setTimeout(500);
  }
  await stop();
  const logs = await Promise.all(
    ["munge/log", "ctld.log", "d.log"].map((name) => readFile(at(name), "utf8").catch(() => "")),
  );
  throw new Error(`the node is not ready:\n${logs.join("\n").slice(-4000)}`);
}

async function configuration(folder: string, cores: number): Promise<string> {
  const host = hostname().split(".")[0];
  const [control, node] = [await freePort(), await freePort()];
  return `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${control}
SlurmdPort=${node}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge/socket
CredType=cred/munge
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/ctld.pid
SlurmdPidFile=${folder}/d.pid
SlurmctldLogFile=${folder}/ctld.log
SlurmdLogFile=${folder}/d.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0,defer=0
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=${host} NodeAddr=127.0.0.1 CPUs=${cores} RealMemory=4096 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
}

/** One that nobody listens on now. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
