import { type Browser, chromium } from "playwright-core";
import { findChromium as find } from "../../src/cli/doctor/chromium.js";

/** Where Chromium is. Null where there is none; in CI there has to be. */
export function findChromium(): string | null {
  const path = find();
  if (path === null && process.env.CI) throw new Error("CI needs Chromium (.ci/run installs it)");
  return path;
}

export const launch = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
