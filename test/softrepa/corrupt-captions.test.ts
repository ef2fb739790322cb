import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { objects, pairs } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import type { CaptionedData } from "../../src/loop/data.js";
import { attributeNegatives } from "../../src/softrepa/attribute-negatives.js";
import { corruptCaptions } from "../../src/softrepa/corrupt-captions.js";
import { rejection } from "../rejection.js";

const clean = pairs();

/** Labels of the same pictures, clean and corrupted. */
const labelsOf = (share: number, seed: number, key = random.key(3), count = 600) => {
  const data = corruptCaptions(clean, { share, seed });
  return { own: clean.sample(key, count), wrong: data.sample(key, count) };
};

test("the share of captions that is asked for is wrong, in one attribute or by an exchange", () => {
  const { own, wrong } = labelsOf(0.3, 1, random.key(3), 3000);
  assert.equal(wrong.x, own.x);
  assert.equal(wrong.attributes, own.attributes, "what pictures show stays true");
  const changed = [...own.labels].flatMap((label, i) => (label === wrong.labels[i] ? [] : [i]));
  // Five standard deviations of a binomial share.
  assert.ok(Math.abs(changed.length / 3000 - 0.3) < 5 * Math.sqrt((0.3 * 0.7) / 3000), `${changed.length}`);
  const kinds = new Map<string, number>();
  for (const i of changed) {
    const [says, shows] = [clean.captionAttributes[wrong.labels[i]!]!, own.attributes[i]!];
    assert.is(wrong.captions[i], clean.captions[wrong.labels[i]!]);
    const names = Object.keys(shows).filter((name) => says[name] !== shows[name]);
    const [a, b] = names as [string, string];
    assert.ok(
      names.length === 1 || (names.length === 2 && says[a] === shows[b] && says[b] === shows[a]),
      `${own.captions[i]} -> ${wrong.captions[i]}`,
    );
    kinds.set(names.join(), (kinds.get(names.join()) ?? 0) + 1);
  }
  assert.is(kinds.size, 7, "five attributes, two exchanges");
  for (const [kind, count] of kinds) assert.ok(count > 50, `${kind}: ${count}`);
  const exchanged =
    changed.length - [...kinds].reduce((sum, [kind, count]) => sum + (kind.includes(",") ? 0 : count), 0);
  assert.ok(
    exchanged > 0.2 * changed.length,
    `${exchanged}: half of those whose picture has two values to exchange`,
  );
});

test("wrong captions are of seen combinations, and never of the same meaning", () => {
  const seen = new Set(clean.captionsOf("seen"));
  const { own, wrong } = labelsOf(1, 2);
  wrong.labels.forEach((label, i) => {
    assert.ok(seen.has(label), clean.captions[label]);
    assert.not(clean.captionsTogether(own.labels[i]!).includes(label));
  });
});

test("which pictures are wrong follows from the seed and the picture, not from when it is drawn", () => {
  const data = corruptCaptions(clean, { share: 0.5, seed: 4 });
  assert.equal(data.sample(random.key(5), 50).labels, data.sample(random.key(5), 50).labels);
  const other = corruptCaptions(clean, { share: 0.5, seed: 5 }).sample(random.key(5), 50);
  assert.not.equal(other.labels, data.sample(random.key(5), 50).labels);
  // One picture only, drawn again and again with any of its captions: always right, or always wrong in the same way.
  const one = clean.sample(random.key(6), 1);
  const same = clean.captionsTogether(one.labels[0]!);
  const again: CaptionedData = {
    ...clean,
    sample: (key, count) => {
      const labels = random.integers(key, count, same.length).map((i) => same[i]!);
      return {
        x: Float32Array.from({ length: count * one.x.length }, (_, i) => one.x[i % one.x.length]!),
        labels,
      };
    },
  };
  fc.assert(
    fc.property(fc.nat(1000), (seed) => {
      const { labels } = corruptCaptions(again, { share: 0.5, seed }).sample(random.key(seed), 12);
      const meanings = [...labels!].map((label) => JSON.stringify(clean.captionAttributes[label]));
      assert.is(new Set(meanings).size, 1);
    }),
    { numRuns: 10, seed: 1 },
  );
});

test("none and all", () => {
  const none = labelsOf(0, 0);
  assert.equal(none.wrong.labels, none.own.labels);
  const all = labelsOf(1, 0);
  assert.ok(all.wrong.labels.every((label, i) => label !== all.own.labels[i]));
});

test("what decides the captions decides the fingerprint", async () => {
  const print = (options: object): Promise<string> => corruptCaptions(clean, options).fingerprint!();
  const all = [
    await clean.fingerprint!(),
    await print({}),
    await print({ seed: 1 }),
    await print({ share: 0.2 }),
  ];
  assert.is(new Set(all).size, 4);
  assert.is(await print({}), all[1]);
});

test("held-out captions are no negatives where negatives are taken among the seen ones", () => {
  const among = clean.captionsOf("seen");
  const hard = attributeNegatives(clean, { among });
  const seen = new Set(among);
  for (const label of [...clean.sample(random.key(7), 20).labels])
    assert.ok(
      hard
        .of(label)
        .flat()
        .every((other) => seen.has(other)),
    );
  const all = attributeNegatives(clean).of(among[0]!).flat();
  assert.ok(all.some((other) => !seen.has(other)));
  const data = objects();
  assert.equal(
    [...data.captionsOf("seen"), ...data.captionsOf("held-out")].sort((a, b) => a - b),
    data.captions.map((_, i) => i),
  );
});

test("captions without known attributes, and shares that are none, are refused", async () => {
  const { captionAttributes: _, ...bare } = clean;
  const unknown = await rejection(() => corruptCaptions(bare as never));
  assert.equal([unknown.code, unknown.argument], ["invalid-argument", "negatives"]);
  for (const share of [-0.1, 1.1, Number.NaN, "0.3"])
    assert.is((await rejection(() => corruptCaptions(clean, { share } as never))).argument, "share");
  assert.is((await rejection(() => clean.captionsOf("all" as never))).argument, "split");
});

test.run();
