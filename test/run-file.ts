import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

export interface TestFileResult {
  passed: number;
  failed: number;
  /** What the file printed, with a line that says so if it crashed or ran no test. */
  output: string;
}

/**
 * Runs one uvu file in a process of its own and counts its tests from uvu's summary. A crash and a file that ends without
 * a summary (a forgotten `test.run()`) count as one failure each; a suite without tests, where what they need is missing, does not.
 * @param timeout milliseconds after which the process is killed, which is a crash.
 */
export function runTestFile(file: string, timeout = 300_000): Promise<TestFileResult> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, file], {
      env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}) },
      stdio: ["ignore", "pipe", "pipe"],
      timeout,
      killSignal: "SIGKILL",
    });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("close", (code, signal) => {
      const output = Buffer.concat(chunks).toString();
      const total = sumOf("Total", output);
      const passed = sumOf("Passed", output) ?? 0;
      const failed = (total ?? 0) - passed;
      const problem =
        total === undefined
          ? "no test ran"
          : code !== 0 && failed === 0
            ? "crashed beside its tests"
            : undefined;
      if (problem === undefined) resolve({ passed, failed, output });
      else {
        const how = signal ? `killed by ${signal}` : `exit code ${code}`;
        resolve({ passed, failed: failed + 1, output: `${output}  FAIL  ${problem} (${how})\n` });
      }
    });
  });
}

/** Sum of the numbers in uvu's summary lines ("  Passed:    12"); undefined if there is none. */
function sumOf(label: string, output: string): number | undefined {
  const lines = stripVTControlCharacters(output).matchAll(new RegExp(`^  ${label}: +(\\d+)$`, "gm"));
  const counts = [...lines].map(([, count]) => Number(count));
  return counts.length === 0 ? undefined : counts.reduce((a, b) => a + b);
}
