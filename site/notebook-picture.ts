// `node --import tsx site/notebook-picture.ts`: renews docs/notebook.png, a notebook in JupyterLab with our kernel. Needs JupyterLab and Chromium, and the built package.
import { spawn } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { temporaryFolder } from "../notebooks/execute.js";
import { root } from "../notebooks/jupyter.js";
import { findChromium } from "../src/cli/doctor/chromium.js";
import { initCommand } from "../src/cli/notebook/init-command.js";

/** CSS pixels of the window, and the steps of each training. */
const [width, height, steps] = [1000, 1500, 2000];
const patience = 600_000;

const folder = await temporaryFolder();
const study = join(folder, "my-study");
await initCommand(study);
const path = join(study, "first.ipynb");
const text = await readFile(path, "utf8");
const shorter = text
  .replaceAll(".train(data);", `.train(data, { steps: ${steps} });`)
  .replace("batchSize: 16 }", `batchSize: 16, steps: ${steps} }`);
await writeFile(path, shorter);

const main = join(root, "dist", "src", "cli", "main.js");
const options = ["--no-browser", "--ServerApp.token=", "--ServerApp.port=8899", "--ServerApp.port_retries=0"];
const lab = spawn(process.execPath, [main, "lab", ...options], {
  cwd: study,
  stdio: ["ignore", "ignore", "pipe"],
});
const started = new Promise<void>((resolve, reject) => {
  lab.stderr.setEncoding("utf8").on("data", (line: string) => line.includes("http://") && resolve());
  lab.on("exit", (code) => reject(new Error(`JupyterLab ended: ${code}`)));
});
const executablePath = findChromium();
if (!executablePath) throw new Error("Chromium was not found");
try {
  await started;
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: 1.5 });
  await page.goto("http://localhost:8899/lab/tree/first.ipynb?reset");
  await page.locator(".jp-Notebook .jp-Cell").first().waitFor({ timeout: 120_000 });
  const dismissed = page.getByRole("button", { name: "No", exact: true });
  if (await dismissed.isVisible().catch(() => false)) await dismissed.click();
  // The side bar shows files, which are not the subject.
  await page.keyboard.press("Control+b");
  await page.locator(".jp-Notebook .jp-CodeCell").first().click();
  await page.getByRole("menuitem", { name: "Run", exact: true }).click();
  await page.getByRole("menuitem", { name: "Run All Cells", exact: true }).click();
  const chart = page.locator(".jp-CodeCell").last().locator("canvas, svg.marks").first();
  await chart.waitFor({ timeout: patience });
  await page.waitForTimeout(2000);
  await page.locator(".jp-Notebook .jp-CodeCell").nth(1).scrollIntoViewIfNeeded();
  const picture = await page.screenshot();
  const small = await sharp(picture).png({ palette: true, colours: 128 }).toBuffer();
  await writeFile(join(root, "docs", "notebook.png"), small);
  console.log(`docs/notebook.png: ${(small.length / 1000).toFixed(0)} kB`);
  await browser.close();
} finally {
  lab.kill("SIGTERM");
  await new Promise((resolve) => lab.once("close", resolve));
  await rm(folder, { recursive: true });
}
