import { availableParallelism } from "node:os";
import { type DeviceName, describeDevice, deviceNames, notHere, useDevice } from "../../engine/device.js";
import {
  convolutionVariable,
  deviceVariable,
  environment,
  threadsVariable,
} from "../../engine/environment.js";
import { describeLowering } from "../../engine/onnx/lowering.js";
import { TangentLabError } from "../../errors.js";
import type { Diagnosis } from "./diagnosis.js";

const firstOf = `the first of ${deviceNames.join(", ")} that starts`;

/** The GPUs before it, and why none of them was taken. */
async function passedOver(engine: DeviceName): Promise<string> {
  const before = deviceNames.slice(0, deviceNames.indexOf(engine)).filter((name) => name.includes(":"));
  const reasons = before.map(async (name) => `; ${name} ${(await notHere(name)) ?? "does not start"}`);
  return (await Promise.all(reasons)).join("");
}

const message = (error: unknown): string => {
  if (error instanceof TangentLabError) return error.message;
  throw error;
};

/** What is taken where no engine is asked for, and why. */
export async function chosenEngine(): Promise<Diagnosis["chosen"]> {
  const wanted = environment(deviceVariable);
  const asked = wanted !== undefined && wanted !== "" && wanted !== "auto";
  try {
    const engine = await useDevice("auto");
    const why = asked ? `${deviceVariable}=${wanted}` : `${firstOf}${await passedOver(engine)}`;
    return { engine, description: await describeDevice(), why };
  } catch (error) {
    return { engine: null, description: null, why: message(error) };
  }
}

/** What convolutions of compiled graphs become, or why that is not known. */
export const convolutions = (): Promise<string> => describeLowering().catch(message);

/** How many threads compiled graphs may use, and who says so. */
export function threads(): string {
  const cores = availableParallelism();
  const wanted = environment(threadsVariable);
  return wanted ? `${wanted} of ${cores} cores (${threadsVariable})` : `one for each of ${cores} cores`;
}

/** Variables of ours that are set. */
export const variables = (): Record<string, string> =>
  Object.fromEntries(
    [deviceVariable, threadsVariable, convolutionVariable].flatMap((name) => {
      const value = environment(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
