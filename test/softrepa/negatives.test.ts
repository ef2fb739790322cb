import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CaptionedDataset } from "../../datasets/captioned.js";
import { byName } from "../../datasets/index.js";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import { attributeNegatives } from "../../src/softrepa/attribute-negatives.js";
import { contrastive } from "../../src/softrepa/contrastive.js";
import { captionVectors, nearestNegatives } from "../../src/softrepa/nearest-negatives.js";
import { drawNegatives } from "../../src/softrepa/negatives.js";
import { softTokens } from "../../src/softrepa/tokens.js";
import { rejection } from "../rejection.js";
import { captions as toyCaptions, toyFlow } from "./toy-flow.js";

test.before(async () => {
  await useDevice("cpu");
});

const captioned = async (name: string): Promise<CaptionedDataset> => (await byName(name)) as CaptionedDataset;

test("pairs: one attribute changed or a binding swapped, in the caption's own words", async () => {
  const data = await captioned("pairs");
  const { captions, captionAttributes } = data;
  const label = captions.indexOf("a red circle left of a blue square");
  const hard = attributeNegatives(data);
  const negatives = hard.of(label).map((kind) => kind.map((each) => captions[each]!));
  const kinds = new Map(negatives.map((kind) => [kind[0]!, kind]));
  assert.is(negatives.length, 7);
  const has = (caption: string): boolean => negatives.some((kind) => kind.includes(caption));
  for (const caption of [
    "a green circle left of a blue square",
    "a red circle left of a blue triangle",
    "a red circle above a blue square",
    "a blue circle left of a red square", // colours swapped
    "a red square left of a blue circle", // shapes swapped
  ]) {
    assert.ok(has(caption), caption);
  }
  assert.ok(!has("a red circle left of a blue square") && !has("a blue square left of a red circle"));
  assert.is([...kinds.values()].filter((kind) => kind.length === 1).length, 3); // the relation and both swaps

  // All captions' negatives: nothing else than one change or one swap, and the phrasing stays where it can.
  fc.assert(
    fc.property(fc.nat(captions.length - 1), (label) => {
      const own = captionAttributes[label]!;
      for (const other of hard.of(label).flat()) {
        const attributes = captionAttributes[other]!;
        const changed = Object.keys(own).filter((name) => own[name] !== attributes[name]);
        const [a, b] = changed as [string, string];
        assert.ok(
          changed.length === 1 ||
            (changed.length === 2 && own[a] === attributes[b] && own[b] === attributes[a]),
        );
        const way = (caption: string): string => /left|right|above|below|top/.exec(caption)![0];
        if (!changed.includes("relation")) assert.is(way(captions[other]!), way(captions[label]!));
      }
    }),
    { numRuns: 5, seed: 1 },
  );
});

test("captions say what all their pictures share; those of a picture belong together", async () => {
  for (const name of ["objects", "pairs", "portraits"]) {
    const data = await captioned(name);
    assert.is(data.captionAttributes.length, data.captions.length, name);
    const { labels, attributes, captions } = data.sample(random.key(1), 40);
    labels.forEach((label, i) => {
      for (const [key, value] of Object.entries(data.captionAttributes[label]!))
        assert.is(attributes[i]![key], value, `${name}: ${captions[i]}`);
      assert.ok(Object.keys(data.captionAttributes[label]!).length > 0);
      assert.ok(data.captionsTogether(label).includes(label));
    });
    const negatives = attributeNegatives(data);
    for (const label of labels.slice(0, 5)) assert.ok(negatives.of(label).flat().length > 0);
  }
  const pairs = await captioned("pairs");
  const label = pairs.captions.indexOf("a red circle left of a blue square");
  assert.equal(
    new Set(pairs.captionsTogether(label).map((each) => pairs.captions[each])),
    new Set([
      "a red circle left of a blue square",
      "a blue square right of a red circle",
      "a red circle on the left, a blue square on the right",
    ]),
  );
  assert.is((await rejection(() => pairs.captionsTogether(-1))).argument, "label");
});

test("where no caption differs in one thing, those that differ in the fewest", () => {
  const captions = ["red cat", "blue dog", "green big bird"];
  const captionAttributes = [
    { colour: "red", animal: "cat" },
    { colour: "blue", animal: "dog" },
    { colour: "green", animal: "bird", size: "big" },
  ] as never;
  const negatives = attributeNegatives({ captions, captionAttributes });
  assert.equal(negatives.of(0), [[1]]);
});

test("the nearest captions by cosine, the pictures' own left out", () => {
  const vectors = [
    [1, 0],
    [0.9, 0.1],
    [0.5, 0.5],
    [0, 2],
    [-1, 0],
    [3, 0],
  ];
  const captions = ["a", "b", "c", "d", "e", "f"];
  const data = {
    captions,
    captionsTogether: (label: number) => (label === 0 || label === 5 ? [0, 5] : [label]),
  };
  assert.equal(nearestNegatives(data, vectors, { nearest: 2 }).of(0), [[1, 2]]);
  assert.equal(nearestNegatives({ captions }, vectors, { nearest: 3 }).of(0), [[5, 1, 2]]);
  assert.equal(
    nearestNegatives({ captions }, () => vectors)
      .of(3)
      .flat().length,
    5,
  );
  // The same words are no negative, whatever picture they are of.
  const twice = { captions: ["a", "b", "c", "d", "e", "a"] };
  assert.equal(nearestNegatives(twice, vectors, { nearest: 1 }).of(0), [[1]]);

  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 3, maxLength: 3 }), {
        minLength: 2,
        maxLength: 12,
      }),
      (rows) => {
        const captions = rows.map((_, i) => `${i}`);
        const found = nearestNegatives({ captions }, rows, { nearest: 4 }).of(0)[0]!;
        const cosine = (other: number): number => {
          const [a, b] = [rows[0]!, rows[other]!];
          const dot = (x: number[], y: number[]): number => x.reduce((sum, v, k) => sum + v * y[k]!, 0);
          return dot(a, b) / Math.max(1e-300, Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b)));
        };
        assert.is(found.length, Math.min(4, rows.length - 1));
        const left = rows.map((_, i) => i).filter((i) => i > 0 && !found.includes(i));
        const least = Math.min(...found.map(cosine));
        assert.ok(left.every((other) => cosine(other) <= least + 1e-9));
      },
    ),
    { seed: 2 },
  );
});

test("a flow's vectors of captions, in batches", () => {
  const vectors = captionVectors(toyFlow, toyCaptions, 4);
  assert.is(vectors.length, 6);
  for (const [i, vector] of vectors.entries()) assert.ok(Math.abs(vector[0]! - 0.3 * (i + 1)) < 1e-6);
});

test("draws take the kinds in turn and repeat nothing while there are others", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 5 }),
      fc.nat(20),
      fc.nat(1000),
      (sizes, count, seed) => {
        fc.pre(sizes.some((size) => size > 0));
        let next = 0;
        const kinds = sizes.map((size) => Array.from({ length: size }, () => next++));
        const drawn = drawNegatives({ of: () => kinds }, 0, count, random.key(seed));
        assert.is(drawn.length, count);
        assert.ok(drawn.every((label) => label >= 0 && label < next));
        const distinct = new Set(drawn.slice(0, next));
        assert.is(distinct.size, Math.min(count, next));
        const filled = kinds.filter(({ length }) => length > 0);
        const first = drawn
          .slice(0, filled.length)
          .map((label) => filled.findIndex((kind) => kind.includes(label)));
        assert.is(new Set(first).size, Math.min(count, filled.length));
      },
    ),
    { seed: 3 },
  );
  const of = () => [[0, 1, 2, 3, 4, 5, 6, 7]];
  const draws = new Set(
    Array.from({ length: 30 }, (_, seed) => drawNegatives({ of }, 0, 1, random.key(seed))[0]),
  );
  assert.ok(draws.size > 4);
});

test("captions of which nothing is known may be held out, and negatives are of the captions that are trained on", async () => {
  const captions = ["a", "b", "c"];
  const captionAttributes: Record<string, string>[] = [{ is: "a" }, { is: "b" }, {}];
  const negatives = attributeNegatives({ captions, captionAttributes, captionsOf: () => [0, 1] });
  assert.equal(negatives.of(0), [[1]]);
  const error = await rejection(() =>
    contrastive({
      flow: toyFlow,
      tokens: softTokens({ layers: 1, dim: 3 }),
      captions: toyCaptions,
      negatives,
    }),
  );
  assert.match(error.message, /invalid negatives; given: "those of 3 other captions"/);
});

test("bad input is refused", async () => {
  const captions = ["a", "b"];
  const vectors = [[1], [2]];
  for (const [attempt, code, argument] of [
    [() => attributeNegatives({ captions }), "invalid-argument", "negatives"],
    [() => attributeNegatives({ captions, captionAttributes: [{}, {}] }), "invalid-argument", "negatives"],
    [
      () => attributeNegatives({ captions, captionAttributes: [{ a: "b" }] }),
      "invalid-argument",
      "negatives",
    ],
    // One caption of which nothing is known, though it is drawn.
    [
      () => attributeNegatives({ captions, captionAttributes: [{ a: "b" }, {}] }),
      "invalid-argument",
      "negatives",
    ],
    [
      () => attributeNegatives({ captions, captionAttributes: [{ a: "b" }, { a: "b" }] }).of(0),
      "invalid-data",
      "negatives",
    ],
    [() => attributeNegatives(undefined as never), "invalid-argument", "data"],
    [() => attributeNegatives({ captions: "ab" as never }), "invalid-argument", "data.captions"],
    [() => nearestNegatives({ captions }, [[1]]), "invalid-argument", "vectors"],
    [() => nearestNegatives({ captions }, [[1], [1, 2]]), "invalid-argument", "vectors[1]"],
    [() => nearestNegatives({ captions }, [[1], [Number.NaN]]), "invalid-argument", "vectors[1]"],
    [() => nearestNegatives({ captions }, vectors, { nearest: 0 }), "invalid-argument", "nearest"],
    [() => nearestNegatives({ captions }, vectors, { count: 0 }), "invalid-argument", "negatives.count"],
    [() => nearestNegatives({ captions }, vectors).of(2), "invalid-argument", "label"],
    [() => nearestNegatives({ captions: ["a"] }, [[1]]).of(0), "invalid-data", "negatives"],
    [() => captionVectors(toyFlow, []), "invalid-argument", "captions"],
  ] as const) {
    const error = await rejection(attempt);
    assert.equal([error.code, error.argument], [code, argument]);
  }
});

test.run();
