import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { byName } from "../../datasets/index.js";
import { displayBy, displayed, textOf } from "../../src/engine/self-display.js";

test("a value prints its text; its picture is shown at the top level only, and copies have neither", () => {
  const shown: object[] = [];
  displayBy((_, value) => void shown.push(value));
  try {
    const value = displayed({ a: 1 }, "model", () => "a model");
    assert.is(inspect(value), "a model");
    assert.equal(shown, [value]);
    assert.is(inspect({ value, list: [value] }), "{ value: a model, list: [ a model ] }");
    assert.is(textOf(value), "a model");
    assert.is(shown.length, 1);
    assert.is(inspect({ ...value }), "{ a: 1 }");
    assert.is(JSON.stringify(value), '{"a":1}');
    assert.is(textOf(7), undefined);
  } finally {
    displayBy(() => {});
  }
});

test("datasets say what they are", async () => {
  assert.is(inspect(await byName("moons")), "Dataset moons: generated examples [2], 2 classes");
});

test.run();
