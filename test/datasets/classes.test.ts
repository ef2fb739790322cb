import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { classesOf, type Label, mostClasses } from "../../datasets/classes.js";
import { fromArray } from "../../datasets/index.js";
import { rejection } from "../rejection.js";

test("labels are names: the classes are those that occur, in the order of numbers or of text", () => {
  for (const [given, names, labels] of [
    [
      [1, 3, 2, 1],
      ["1", "2", "3"],
      [0, 2, 1, 0],
    ],
    [
      [10, 9, 70_000_000],
      ["9", "10", "70000000"],
      [1, 0, 2],
    ],
    [
      [2n, 0n, 2n ** 60n],
      ["0", "2", String(2n ** 60n)],
      [1, 0, 2],
    ],
    [
      ["dog", "cat", "dog"],
      ["cat", "dog"],
      [1, 0, 1],
    ],
    [
      [2, "10", 2n],
      ["10", "2"],
      [1, 0, 1],
    ],
    [Uint8Array.of(0, 1, 1), ["0", "1"], [0, 1, 1]],
  ] as [ArrayLike<Label>, string[], number[]][]) {
    const classes = classesOf(given, given.length);
    assert.equal([classes.classNames, [...classes.labels]], [names, labels]);
    assert.is(classes.numClasses, names.length);
  }
  const data = fromArray(new Float32Array(6), [2], ["b", "a", "b"]);
  assert.equal([data.numClasses, data.classNames, [...data.labels!]], [2, ["a", "b"], [1, 0, 1]]);
});

test("every class occurs, and gives its label back", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: 1 }), (given) => {
      const { labels, classNames, numClasses } = classesOf(given, given.length);
      assert.is(new Set(labels).size, numClasses);
      assert.equal(
        Array.from(labels, (label) => Number(classNames[label])),
        given,
      );
    }),
  );
});

test("ids, text for a list, and what is no label", async () => {
  const ids = Array.from({ length: mostClasses + 1 }, (_, i) => 7000 * i);
  const many = await rejection(() => fromArray(new Float32Array(ids.length), [1], ids));
  assert.is(many.code, "invalid-data");
  assert.match(many.message, /10001 classes are too many.*at most 10000/);
  for (const [labels, message] of [
    ["ab", /invalid labels; given: "ab"/],
    [[0, -1], /invalid labels\[1\]; given: -1/],
    [[0, 0.5], /invalid labels\[1\]; given: 0.5/],
    [["a", " "], /invalid labels\[1\]; given: " "/],
    [[0, undefined], /invalid labels\[1\]; given: undefined/],
    [[0n, -1n], /invalid labels\[1\]; given: "-1"/],
    [[0], /1 labels.*2 examples/],
    [7, /invalid labels; given: 7/],
  ] as const)
    assert.match(
      (await rejection(() => fromArray(new Float32Array(2), [1], labels as never))).message,
      message,
    );
});

test.run();
