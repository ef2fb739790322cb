import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { build, serve } from "../../demo/build.js";
import { findChromium, launch } from "../viz/chromium.js";

const test = suite("demo in the browser");
const chromium = findChromium();

let folder: string;
let browser: Browser;
let site: Awaited<ReturnType<typeof serve>>;
let page: Page;
const problems: string[] = [];

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-demo-"));
  await build(folder);
  site = await serve(folder);
  browser = await launch(chromium!);
  page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
  // What each frame costs the page's thread, in milliseconds.
  await page.addInitScript(`
    globalThis.paintings = [];
    const request = requestAnimationFrame;
    globalThis.requestAnimationFrame = (paint) =>
      request((now) => {
        const start = performance.now();
        paint(now);
        paintings.push(performance.now() - start);
      });
  `);
  // Every headline about the pixel loss, with the numbers that stood under it.
  await page.addInitScript(`
    globalThis.said = [];
    addEventListener("DOMContentLoaded", () =>
      new MutationObserver(() =>
        said.push([headline.textContent.split("\\n")[0], detail.textContent]),
      ).observe(document.querySelector(".finding"), { childList: true, subtree: true }),
    );
  `);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && origin !== new URL(site.address).origin)
      problems.push(`request to ${request.url()}`);
  });
});

test.after(async () => {
  await browser?.close();
  await site?.stop();
  await rm(folder, { recursive: true, force: true });
});

const text = async (id: string): Promise<string> => (await page.textContent(`#${id}`)) ?? "";
const iteration = async (): Promise<number> =>
  Number(/^Iteration ([\d,]+)/.exec(await text("status"))?.[1]?.replaceAll(",", "") ?? Number.NaN);
/** Waits until a condition in the page holds. */
const until = async (condition: () => Promise<boolean>, what: string): Promise<void> => {
  for (let i = 0; i < 600; i++, await page.waitForTimeout(50)) if (await condition()) return;
  throw new Error(`not within 30 s: ${what}; status "${await text("status")}", ${problems.join(", ")}`);
};
/** A number under a model's picture. */
const number = async (arm: string, term: string): Promise<number> =>
  Number(new RegExp(`${term} +([\\d.]+)`).exec(await text(`${arm}-numbers`))?.[1] ?? Number.NaN);

test("training moves the tangents and the samples, and the headline says what the numbers do", async () => {
  await page.goto(`${site.address}?batch=32&t=0.2&seed=3&speed=Infinity&show=tangents.samples`);
  await until(async () => (await iteration()) >= 0, "the first recording");
  const before = await number("pixel", "sample distance");
  await until(async () => (await iteration()) >= 1500, "iteration 1500");
  await page.click("#run");
  const pixel = await number("pixel", "along the manifold");
  const aligned = await number("MFD", "along the manifold");
  assert.ok(pixel > 55, `pixel ${pixel} % along`);
  assert.ok(aligned < 30, `MFD ${aligned} % along`);
  const after = await number("pixel", "sample distance");
  assert.ok(after < 0.8 * before, `sample distance ${before}, then ${after}`);
  assert.match(
    await text("headline"),
    /^Pixel loss: the tangent oscillates along the manifold\.\nMFD: it points/,
  );
  assert.match(await text("announcer"), /^Pixel loss: the tangent/);
});

test("the numbers under a headline are never those of another", async () => {
  const said = ((await page.evaluate("said")) as [string, string][]).flatMap(([headline, detail]) => {
    const along = Number(/: (\d+)\s% of the pixel loss/.exec(detail)?.[1]);
    return Number.isNaN(along) ? [] : [{ headline, along }];
  });
  assert.ok(said.length > 5, `${said.length} times`);
  for (const { headline, along } of said) {
    const most = /across|to the manifold/.test(headline) ? 45 : /no preferred/.test(headline) ? 55 : 100;
    assert.ok(along <= most, `"${headline}" above ${along} %`);
  }
});

test("while two models train, a frame is drawn in half of the time that 60 a second leave it", async () => {
  const paintings = (await page.evaluate("paintings")) as number[];
  assert.ok(paintings.length > 60, `${paintings.length} frames`);
  const median = paintings.sort((a, b) => a - b)[Math.floor(paintings.length / 2)]!;
  assert.ok(median < 1000 / 60 / 2, `${median} ms in the middle`);
});

test("a link restores the settings", async () => {
  const checked = (selector: string): Promise<boolean> => page.isChecked(selector);
  assert.ok(await checked("input[value=circle]"));
  assert.is(await text("batchSize-value"), "32");
  assert.is(await text("t-value"), "0.2");
  assert.is(await text("speed-value"), "as fast as it goes");
  assert.is(await page.inputValue("#seed"), "3");
  assert.ok(await checked("input[value=tangents]"));
  assert.not.ok(await checked("input[value=levels]"));
});

test("pause, step and reset do what they say", async () => {
  let seen = Number.NaN;
  const still = async (): Promise<boolean> => {
    const before = seen;
    seen = await iteration();
    return seen === before;
  };
  await until(still, "a pause");
  assert.is(await text("run"), "Train");
  await page.click("#step");
  await until(async () => (await iteration()) === seen + 10, "a step");
  await page.click("#reset");
  await until(async () => (await iteration()) === 0, "a reset");
});

test("sliders work by keyboard and change picture and address", async () => {
  const picture = (): Promise<string> => page.evaluate('document.getElementById("MFD").toDataURL()');
  const before = await picture();
  await page.getByRole("slider", { name: "Noise level t" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.match(page.url(), /[?&]t=0\.8\b/);
  assert.match(await text("along-title"), /t = 0\.8/);
  await page.waitForTimeout(300);
  assert.is.not(await picture(), before);
});

test("a manifold can be drawn without a mouse, is trained on, and travels in the link", async () => {
  await page.click("#draw");
  assert.ok(await page.isDisabled("#pad-use"));
  await page.keyboard.press("Space");
  for (const key of ["ArrowUp", "ArrowRight", "ArrowUp", "ArrowRight", "ArrowRight", "ArrowDown"])
    for (let i = 0; i < 4; i++) await page.keyboard.press(key);
  await page.keyboard.press("Space");
  assert.is(await text("pad-status"), "1 stroke drawn");
  await page.click("#pad-use");
  await until(async () => /Getting ready/.test(await text("status")), "the preparation");
  const address = page.url();
  assert.match(address, /shape=drawn&path=[\w-]{20,}/);
  await page.reload();
  assert.ok(await page.isChecked("input[value=drawn]"));
  await until(async () => (await iteration()) >= 10, "training on the drawing");
  assert.is(page.url(), address);
});

test("a narrow screen shows everything without scrolling sideways, every control has a name", async () => {
  await page.setViewportSize({ width: 380, height: 800 });
  assert.ok(((await page.evaluate("document.documentElement.scrollWidth")) as number) <= 380);
  const controls = page.locator("button:visible, input:visible");
  for (const control of await controls.all()) {
    const snapshot = await control.ariaSnapshot();
    assert.match(snapshot, /^- \w+ "[^"]+"/, snapshot);
  }
});

test("WebGPU that is not there is replaced, and the page says so", async () => {
  await page.goto(`${site.address}?engine=webgpu`);
  await until(async () => (await text("engine")) !== "…", "the choice of an engine");
  assert.match(
    await text("engine"),
    /^compiled steps, (WebAssembly, because WebGPU .+|WebGPU \(checked: .+\))$/,
  );
  await until(async () => /Getting ready/.test(await text("status")), "the preparation");
});

test("nothing went wrong on the way, and nothing was fetched from elsewhere", () => {
  assert.equal(problems, []);
});

if (chromium === null)
  console.log("skipped: the demo in a browser (no Chromium found; set CHROMIUM to its path)");
(chromium === null ? suite("demo in the browser") : test).run();
