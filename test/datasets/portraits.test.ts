import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { agreement, byName, type CaptionedDataset, labelledBy, portraits } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { rejection } from "../rejection.js";

let cache: string;
let data: CaptionedDataset;
let drawn = 0;
test.before(async () => {
  cache = mkdtempSync(join(tmpdir(), "tangent-lab-cache-"));
  process.env.XDG_CACHE_HOME = cache;
  data = await portraits({ onProgress: () => drawn++ });
});
test.after(() => rmSync(cache, { recursive: true }));

test("every combination, captioned with what it shows; drawn once", async () => {
  assert.equal([data.shape, data.size, drawn], [[16, 16, 3], 8640, 1080]);
  const { x, captions, attributes } = data.sample(random.key(0), 50);
  assert.is(x.length, 50 * 768);
  for (const [i, shown] of attributes.entries()) {
    const words = captions[i]!;
    assert.match(words, `${shown.hair} ${shown["hair colour"]} hair`);
    assert.match(words, `${shown.skin} skin`);
    assert.match(words, `${shown.clothing} top`);
    assert.is(/\bglasses/.test(words), shown.glasses === "glasses");
    assert.is(/sunglasses/.test(words), shown.glasses === "sunglasses");
    assert.is(/a hat/.test(words), shown.hat === "hat");
  }
  const again = (await byName("portraits", { onProgress: () => drawn++ })) as CaptionedDataset;
  assert.equal([again.sample(random.key(0), 50).x, drawn], [x, 1080]);
});

test("the read-out is exact, under noise of sd 25/255 too, and on what training never draws", () => {
  const { x, attributes } = data.sample(random.key(1), 40, "held-out");
  const noise = random.normal(random.key(2), x.length);
  const noisy = x.map((value, i) => value + (50 / 255) * noise[i]!);
  assert.is(agreement(data.readOut!(x), attributes).overall, 1);
  assert.is(agreement(data.readOut!(noisy), attributes).overall, 1);
  const seen = new Set(
    data.sample(random.key(3), 2000).attributes.map((shown) => `${shown["hair colour"]} ${shown.clothing}`),
  );
  for (const shown of attributes) assert.not.ok(seen.has(`${shown["hair colour"]} ${shown.clothing}`));
});

test("with a class for every combination of chosen attributes", async () => {
  const labelled = await byName("portraits-labelled");
  assert.equal([labelled.name, labelled.numClasses], ["portraits-labelled", 6 * 5 * 3]);
  const { x, labels } = labelled.sample(random.key(0), 20);
  const same = data.sample(random.key(0), 20);
  assert.equal(x, same.x);
  assert.equal(
    Array.from(labels!, (label) => labelled.classNames![label]),
    same.attributes.map((shown) => `${shown["hair colour"]} ${shown.clothing} ${shown.glasses}`),
  );
  assert.match((await rejection(() => labelledBy(data, ["mood"]))).message, /mood.*hair colour/);
});

test.run();
