import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as datasets from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { rejection } from "../rejection.js";

const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
test.after(() => rmSync(folder, { recursive: true }));

const points = datasets.fromArray(new Float32Array(4), [2]);
const scenes = datasets.objects();
/** Any function, called with anything. */
const wrong = (call: (...given: never[]) => unknown, ...given: unknown[]) => call(...(given as never[]));

const wrongCalls = [
  ["arrayFile without a path", () => wrong(datasets.arrayFile), "path"],
  ["arrayFile with null options", () => wrong(datasets.arrayFile, "a.npy", null), "options"],
  ["arrayFile, range of one", () => wrong(datasets.arrayFile, "a.npy", { range: [1] }), "range"],
  ["arrayFile, range as text", () => wrong(datasets.arrayFile, "a.npy", { range: "01" }), "range"],
  ["byName without a name", () => wrong(datasets.byName), "dataset"],
  ["byName, null", () => wrong(datasets.byName, null), "dataset"],
  ["byName, null options", () => wrong(datasets.byName, "spiral", null), "options"],
  ["byName, maxBytes of points", () => wrong(datasets.byName, "spiral", { maxBytes: 9 }), "maxBytes"],
  ["byName, flip of points", () => wrong(datasets.byName, "spiral", { flip: true }), "flip"],
  ["byName, flip", () => wrong(datasets.byName, "digits", { flip: 1 }), "flip"],
  ["byName, onDisk of digits", () => wrong(datasets.byName, "digits", { onDisk: true }), "onDisk"],
  ["captionedImages without a path", () => wrong(datasets.captionedImages), "path"],
  ["captionedImages, a label", () => wrong(datasets.captionedImages, folder, { label: "a" }), "label"],
  ["captionedImages, caption", () => wrong(datasets.captionedImages, folder, { caption: 7 }), "caption"],
  ["captionedFolder without a folder", () => wrong(datasets.captionedFolder), "folder"],
  ["captionedFolder, size", () => wrong(datasets.captionedFolder, folder, { size: "8" }), "size"],
  ["captionedFolder, signal", () => wrong(datasets.captionedFolder, folder, { signal: "stop" }), "signal"],
  [
    "captionedFolder, onProgress",
    () => wrong(datasets.captionedFolder, folder, { onProgress: true }),
    "onProgress",
  ],
  ["captionedFolder, maxBytes", () => wrong(datasets.captionedFolder, folder, { maxBytes: "9" }), "maxBytes"],
  ["cifar10, a number", () => wrong(datasets.cifar10, 7), "folder"],
  ["cifar100 without a folder", () => wrong(datasets.cifar100), "folder"],
  ["cifar100, labels", () => wrong(datasets.cifar100, folder, { labels: "both" }), "labels"],
  ["cifar100, null", () => wrong(datasets.cifar100, folder, null), "options"],
  ["cifar10, size", () => wrong(datasets.cifar10, folder, { size: 0.5 }), "size"],
  ["digits, null", () => wrong(datasets.digits, null), "options"],
  ["digits, size", () => wrong(datasets.digits, { size: Number.NaN }), "size"],
  ["digits, folder", () => wrong(datasets.digits, { folder: 7 }), "folder"],
  ["digits, split", () => wrong(datasets.digits, { split: "validation" }), "split"],
  ["drawn without strokes", () => wrong(datasets.drawn), "strokes"],
  ["drawn, a stroke that is none", () => wrong(datasets.drawn, [7]), "strokes[0]"],
  ["drawn, points that are none", () => wrong(datasets.drawn, [[7, 8]]), "strokes[0]"],
  ["embed without data", () => wrong(datasets.embed), "dataset"],
  ["embed, a promise", () => wrong(datasets.embed, datasets.digits, 8), "dataset"],
  ["embed, dim", () => wrong(datasets.embed, datasets.spiral(), "8"), "dim"],
  ["embed, seed", () => wrong(datasets.embed, datasets.spiral(), 8, "1"), "seed"],
  ["emoji, styles as text", () => wrong(datasets.emoji, { styles: "noto" }), "styles"],
  ["emoji, null", () => wrong(datasets.emoji, null), "options"],
  ["fashion, null", () => wrong(datasets.fashion, null), "options"],
  ["flipped without data", () => wrong(datasets.flipped), "data"],
  ["flipped, points", () => wrong(datasets.flipped, points), "data"],
  ["flipped, captions", () => wrong(datasets.flipped, scenes), "data"],
  ["fromArray without data", () => wrong(datasets.fromArray), "x"],
  ["fromArray, a list of numbers", () => wrong(datasets.fromArray, [0, 0], [2]), "x"],
  ["fromArray, rows", () => wrong(datasets.fromArray, [[0, 0]], [2]), "x"],
  ["fromArray, doubles", () => wrong(datasets.fromArray, new Float64Array(2), [2]), "x"],
  ["fromArray, labels as text", () => wrong(datasets.fromArray, new Float32Array(2), [1], "01"), "labels"],
  ["fromArray, shape as text", () => wrong(datasets.fromArray, new Float32Array(2), "1"), "shape"],
  ["imageFolder without a folder", () => wrong(datasets.imageFolder), "folder"],
  ["imageFolder, channels", () => wrong(datasets.imageFolder, folder, { channels: "3" }), "channels"],
  ["imageFolder, maxBytes", () => wrong(datasets.imageFolder, folder, { maxBytes: 0 }), "maxBytes"],
  ["imageFolder, signal", () => wrong(datasets.imageFolder, folder, { signal: true }), "signal"],
  ["images without a path", () => wrong(datasets.images), "path"],
  ["images, no files", () => wrong(datasets.images, []), "path"],
  ["images, null", () => wrong(datasets.images, folder, null), "options"],
  ["images, a misspelt option", () => wrong(datasets.images, folder, { sizes: 8 }), "sizes"],
  ["images, size", () => wrong(datasets.images, folder, { size: 3 }), "size"],
  ["images, image", () => wrong(datasets.images, folder, { image: "" }), "image"],
  ["images, label", () => wrong(datasets.images, folder, { label: true }), "label"],
  ["images, split", () => wrong(datasets.images, folder, { split: 1 }), "split"],
  ["images, onDisk", () => wrong(datasets.images, folder, { onDisk: "yes" }), "onDisk"],
  ["images, onProgress", () => wrong(datasets.images, folder, { onProgress: 1 }), "onProgress"],
  ["labelledBy, text", () => wrong(datasets.labelledBy, scenes, "colour"), "attributes"],
  ["labelledBy without data", () => wrong(datasets.labelledBy), "data"],
  ["objects, null", () => wrong(datasets.objects, null), "options"],
  ["objects, size", () => wrong(datasets.objects, { size: 17 }), "size"],
  ["pairs, null", () => wrong(datasets.pairs, null), "options"],
  ["shapes, null", () => wrong(datasets.shapes, null), "options"],
  ["shapes, size", () => wrong(datasets.shapes, { size: "16" }), "size"],
  ["agreement without lists", () => wrong(datasets.agreement), "shown"],
  ["readOutCeiling without data", () => wrong(datasets.readOutCeiling), "data"],
  ["examples, no index", () => wrong(points.examples!, [7]), "indices[0]"],
  ["examples, nothing", () => wrong(points.examples!), "indices"],
  ["sample, no count", () => wrong(points.sample, random.key(0)), "n"],
  ["sample of scenes, a split", () => wrong(scenes.sample, random.key(0), 1, "all"), "split"],
] as const;

for (const [name, call, argument] of wrongCalls) {
  test(`refused by name: ${name}`, async () => {
    const error = await rejection(call);
    assert.is(error.argument, argument, error.message);
    assert.is(error.code, "invalid-argument");
  });
}

test("every function of datasets has a wrong call", () => {
  // Those without an option to be wrong.
  const without = ["circle", "moons", "sphere", "spiral", "swissRoll", "torus", "portraits", "isCaptioned"];
  const functions = Object.entries(datasets)
    .filter(([name, value]) => typeof value === "function" && !without.includes(name))
    .map(([name]) => name);
  const called = new Set(wrongCalls.map(([name]) => /^\w+/.exec(name)![0]));
  assert.equal(
    functions.filter((name) => !called.has(name)),
    [],
  );
});

test.run();
