import { test } from "uvu";
import * as assert from "uvu/assert";
import { tangentExplorer, toHTML, toSVG } from "../../viz/index.js";
import { findChromium, launch } from "./chromium.js";
import { gallery } from "./gallery/charts.js";
import { countMarks, texts } from "./marks.js";

const chromium = findChromium();

test("drawn still, it shows the last recording of every run", async () => {
  const drawn = countMarks(await toSVG(await gallery["tangent-explorer"]!()));
  assert.is(drawn["area mark"], undefined);
  assert.ok((drawn.point ?? 0) >= 2 * 200, "the data, in both panels");
});

if (chromium) {
  test("slider, switch, brush and play button drive all charts", async () => {
    const browser = await launch(chromium);
    try {
      const page = await browser.newPage({ viewport: { width: 800, height: 900 } });
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      await page.setContent(await toHTML(await gallery["tangent-explorer"]!()));
      await page.waitForSelector("html[data-charts=drawn]");
      const lines = () => page.locator(".live svg path[aria-roledescription='line mark']").count();
      const arrows = () =>
        page
          .locator(".live svg .mark-rule.role-mark line")
          .evaluateAll((all) => all.map((line) => line.getAttribute("x2")).join());
      const last = await arrows();
      await page.getByRole("slider").fill("0");
      await page.waitForTimeout(150);
      assert.is.not(await arrows(), last, "another recording, other arrows");
      assert.is(await lines(), 2);
      await page.getByRole("radio", { name: "MFD" }).check();
      await page.waitForTimeout(150);
      assert.is(await lines(), 1, "one loss alone");
      await page.getByRole("radio", { name: "all" }).check();
      const before = await page
        .locator(".live svg path[aria-roledescription='line mark']")
        .first()
        .getAttribute("d");
      const plane = (await page.locator(".live svg .mark-symbol.role-mark").first().boundingBox())!;
      await page.mouse.move(plane.x + 5, plane.y + 5);
      await page.mouse.down();
      await page.mouse.move(plane.x + plane.width / 2, plane.y + plane.height / 2, { steps: 4 });
      await page.mouse.up();
      await page.waitForTimeout(200);
      const after = await page
        .locator(".live svg path[aria-roledescription='line mark']")
        .first()
        .getAttribute("d");
      assert.is.not(after, before, "the mean of fewer probes");
      await page.getByRole("button", { name: "play" }).click();
      await page.waitForFunction("Number(document.querySelector('input[type=range]').value) >= 2");
      await page.getByRole("button", { name: "pause" }).click();
      if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });
      assert.equal(errors, []);
    } finally {
      await browser.close();
    }
  });
}

test("its caption says what an arrow is, what the plane shows of it, and what is not to be seen", async () => {
  // Three dimensions, of which the data fill two; half of each tangent's squared norm is in their plane.
  const data = { shape: [4, 3], values: [1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0] };
  const frame = (step: number, x: number) => ({
    step,
    outputs: { shape: [2, 3], values: [0.5, 0, 0, x, 0, 0] },
    tangents: { shape: [2, 3], values: [0, 1, 1, 1, 0, 1] },
    values: [0.5, 0.5],
  });
  const explorer = (frames: ReturnType<typeof frame>[]) =>
    tangentExplorer({ data, runs: [{ name: "pixel", frames }], arrowLength: 0.1 });
  const said = texts(await toSVG(explorer([frame(0, 0), frame(1, 9)]))).replace(/\s+/g, " ");
  assert.match(said, "Arrows: from f to f + 0.1 · tangent. Grey: data. Slider: the recording shown");
  assert.match(said, "squared norm in 3 dimensions this plane shows: pixel 50%.");
  assert.match(said, "Outside the frame: 1 of 4 arrows");
  const one = explorer([frame(0, 0)]);
  assert.not.match(texts(await toSVG(one)), "Slider");
  assert.not.match(JSON.stringify(one.params), "range");
});

test("images are shown on hovering while they are few", () => {
  const image = (value: number) => ({ shape: [1, 2, 2, 1], values: new Float32Array(4).fill(value) });
  const frames = (count: number) =>
    Array.from({ length: count }, (_, step) => ({
      step,
      outputs: image(0),
      tangents: image(1),
      values: [0.5],
    }));
  const data = { shape: [3, 2, 2, 1], values: new Float32Array(12).map((_, i) => Math.sin(i)) };
  const spec = JSON.stringify(tangentExplorer({ data, runs: [{ name: "pixel", frames: frames(3) }] }));
  assert.is(spec.match(/"image":"data:image\/png/g)?.length, 3);
});

test.run();
