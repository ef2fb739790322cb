import { relative } from "node:path";
import { type DeviceName, describeDevice, useDevice } from "../engine/device.js";
import { type CaseResult, type QuantityResult, verify } from "../verify/verify.js";

export interface VerifyArguments {
  engine: string;
}

/** `tangent-lab verify FOLDER`: a table of the largest relative errors. Resolves to whether every case passed. */
export async function verifyCommand(folder: string, args: VerifyArguments): Promise<boolean> {
  await useDevice(args.engine as DeviceName | "auto");
  console.error(`engine: ${await describeDevice()}`);
  const counts = { passed: 0, failed: 0, error: 0, unknown: 0 };
  for await (const result of verify(folder)) {
    counts[result.status]++;
    for (const line of lines(result, relative(folder, result.path) || result.path)) console.log(line);
  }
  const { passed, failed, error, unknown } = counts;
  console.log(
    `${passed} passed, ${failed + error} failed${unknown > 0 ? `, ${unknown} of no known kind` : ""}`,
  );
  return failed + error === 0;
}

function lines(result: CaseResult, name: string): string[] {
  if (result.status === "unknown") return [`skipped  ${name}: no known kind of case`];
  if (result.status === "error") return [`FAILED   ${name}: ${result.message}`];
  const { status, quantities, unused, seconds } = result;
  const width = Math.max(...quantities.map(({ quantity }) => quantity.length));
  return [
    `${status === "passed" ? "passed " : "FAILED "}  ${name} (${seconds.toFixed(1)} s)`,
    ...quantities.map(
      (row) => `  ${row.passed ? "ok    " : "FAILED"}  ${row.quantity.padEnd(width)}  ${numbers(row)}`,
    ),
    ...(unused.length > 0 ? [`  not looked at: ${shorten(unused)}`] : []),
  ];
}

const numbers = ({ error, tolerance, kind, parts, worst }: QuantityResult): string => {
  const of = parts > 1 ? `  (worst of ${parts}: ${worst})` : "";
  return `${error.toExponential(1)} <= ${tolerance.toExponential(0)} ${kind}${of}`.replace(
    "<=",
    error <= tolerance ? "<=" : "> ",
  );
};

const shorten = (names: readonly string[]): string =>
  names.length <= 5 ? names.join(", ") : `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;
