import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  agreement,
  byName,
  emoji,
  isCaptioned,
  objects,
  pairs,
  readOutCeiling,
} from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { rejection } from "../rejection.js";

for (const make of [objects, pairs]) {
  for (const size of [16, 32] as const) {
    test(`${make.name} at ${size}: every attribute is read back, also through noise`, () => {
      const data = make({ size });
      const count = size === 16 ? 60 : 12;
      for (const split of ["seen", "held-out"] as const) {
        assert.is(readOutCeiling(data, random.key(1), count, split).overall, 1);
      }
      const { x, attributes } = data.sample(random.key(2), count);
      const noise = random.normal(random.key(3), x.length);
      const noisy = x.map((value, i) => value + 0.3 * noise[i]!);
      assert.is(agreement(data.readOut!(noisy), attributes).overall, 1);
    });
  }

  test(`${make.name}: held-out pairs of colour and shape are never drawn, their colours and shapes are`, () => {
    const data = make();
    const pairsOf = (list: readonly Readonly<Record<string, string>>[]): string[] =>
      list.flatMap((a) =>
        a["second shape"]
          ? [`${a.colour} ${a.shape}`, `${a["second colour"]} ${a["second shape"]}`]
          : [`${a.colour} ${a.shape}`],
      );
    const seen = data.sample(random.key(4), 2000).attributes;
    assert.is(new Set(pairsOf(seen)).size, 36);
    const held = data.sample(random.key(5), 500, "held-out").attributes;
    const combinations = new Set(seen.map((a) => JSON.stringify(a)));
    assert.ok(held.every((a) => !combinations.has(JSON.stringify(a))));
    for (const [name, values] of Object.entries(data.attributes)) {
      assert.equal(new Set(seen.map((a) => a[name])), new Set(values), name);
    }
  });
}

test("captions say what there is, in several ways; labels are their indices; the same key gives the same batch", () => {
  const data = objects();
  const { captions, labels, attributes, x } = data.sample(random.key(6), 300);
  captions.forEach((caption, i) => {
    assert.is(data.captions[labels[i]!], caption);
    const { colour, shape, size } = attributes[i]!;
    for (const word of [colour!, shape!, size!]) assert.ok(caption.includes(word), `${caption}: ${word}`);
  });
  const ways = new Set(
    captions.map((caption, i) =>
      Object.values(attributes[i]!)
        .reduce((text, word) => text.replace(word, "_"), caption)
        .replace(/\ban? /g, "a ")
        .replace(/(on|at|in) the \w+/, "_"),
    ),
  );
  assert.is(ways.size, 3, [...ways].join("; "));
  assert.equal(data.sample(random.key(6), 300).x, x);
  assert.equal([...new Set(data.captions)].length, data.captions.length);
});

test("a relation is said both ways round, and read back as one", () => {
  const data = pairs();
  const { captions, attributes } = data.sample(random.key(7), 200);
  const right = captions.findIndex((caption) => caption.includes("right of"));
  const { colour, shape, relation } = attributes[right]!;
  assert.is(relation, "left of");
  assert.match(captions[right]!, new RegExp(`right of an? ${colour} ${shape}$`));
});

test("agreement counts each attribute and all together", () => {
  const shown = [
    { a: "1", b: "1" },
    { a: "1", b: "2" },
    { a: "2", b: "2" },
    { a: "2", b: "1" },
  ];
  const wanted = [
    { a: "1", b: "1" },
    { a: "1", b: "1" },
    { a: "1", b: "1" },
    { a: "2", b: "1" },
  ];
  assert.equal(agreement(shown, wanted), { overall: 0.5, byAttribute: { a: 0.75, b: 0.5 } });
});

test("emoji: people by style, role and skin tone, read back from the nearest picture", async () => {
  const data = await emoji({ styles: ["twemoji"] });
  assert.ok(data.attributes.role!.length >= 60);
  assert.equal(data.attributes.style, ["twemoji"]);
  assert.is(data.attributes["skin tone"]!.length, 6);
  assert.ok(readOutCeiling(data, random.key(8), 40).overall >= 0.95);
  const { captions, attributes } = data.sample(random.key(9), 50, "held-out");
  for (const [i, caption] of captions.entries()) assert.ok(caption.includes(attributes[i]!.role!), caption);
});

test("by name", async () => {
  const data = await byName("pairs-32");
  assert.ok(isCaptioned(data));
  assert.equal(data.shape, [32, 32, 3]);
});

test("bad input is refused", async () => {
  const refusals: [() => unknown, string][] = [
    [() => objects({ size: 20 as 16 }), "size"],
    [() => objects().sample(random.key(0), 1, "unseen" as "seen"), "split"],
    [() => objects().readOut!(new Float32Array(100)), "images"],
    [() => agreement([{}], []), "shown"],
    [() => emoji({ size: 16 as 24 }), "size"],
    [() => emoji({ styles: [] }), "styles"],
    [() => emoji({ set: "cats" as "all" }), "set"],
  ];
  for (const [attempt, argument] of refusals) {
    const error = await rejection(async () => attempt());
    assert.equal([error.code, error.argument], ["invalid-argument", argument]);
  }
});

test.run();
