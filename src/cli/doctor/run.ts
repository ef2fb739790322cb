import { spawn } from "node:child_process";

/** What a command that was run said, and how it ended. */
export interface Ran {
  /** Null where it was killed, or was not there. */
  code: number | null;
  out: string;
  errors: string;
  /** It was ended because it took too long. */
  late: boolean;
}

/** Runs a command to its end, at most so many milliseconds. Does not throw. */
export function run([command, ...args]: readonly string[], limit: number, env = process.env): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command!, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const ran: Ran = { code: null, out: "", errors: "", late: false };
    const timer = setTimeout(() => {
      ran.late = true;
      child.kill("SIGKILL");
    }, limit);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      ran.out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      ran.errors += text;
    });
    child.once("error", ({ message }) => {
      clearTimeout(timer);
      resolve({ ...ran, errors: message });
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ ...ran, code });
    });
  });
}

/** Milliseconds for a program to say its version: Jupyter's first start takes many seconds. */
const patience = 60_000;

/** The first line that a command prints; null where it fails or prints nothing. */
export async function firstLine(command: readonly string[]): Promise<string | null> {
  const { code, out } = await run(command, patience);
  return code === 0 ? out.trim().split("\n")[0]! || null : null;
}
