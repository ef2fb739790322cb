import type { DeviceName } from "../../src/engine/device.js";

/** The environment variable that has tests of engines run on these instead, by their names and commas. */
export const testedVariable = "TANGENT_LAB_TESTED_ENGINES";

/** The engines to test: those given, or those that were asked for. */
export const tested = (...usual: DeviceName[]): DeviceName[] =>
  (process.env[testedVariable]?.split(",") as DeviceName[] | undefined) ?? usual;
