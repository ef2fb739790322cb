import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { baselineFolder, baselinePNG } from "./gallery/baseline.js";
import { gallery } from "./gallery/charts.js";

/** Share of pixels that may differ: rounding in libraries moves edges, a missing mark changes more. */
const tolerance = 0.001;

test("every chart has a picture to compare with, and there are no others", async () => {
  const files = (await readdir(baselineFolder)).sort();
  assert.equal(
    files,
    Object.keys(gallery)
      .map((name) => `${name}.png`)
      .sort(),
    "npm run gallery -- --update renews them",
  );
});

for (const [name, draw] of Object.entries(gallery)) {
  test(`${name} looks as it did`, async () => {
    const seen = PNG.sync.read(Buffer.from(await baselinePNG(await draw())));
    const known = PNG.sync.read(await readFile(join(baselineFolder, `${name}.png`)));
    assert.equal([seen.width, seen.height], [known.width, known.height], "size");
    const differing = pixelmatch(seen.data, known.data, undefined, seen.width, seen.height, {
      threshold: 0.15,
    });
    const share = differing / (seen.width * seen.height);
    assert.ok(share <= tolerance, `${(100 * share).toFixed(2)}% of the pixels differ`);
  });
}

test.run();
