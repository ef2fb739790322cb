import { test } from "uvu";
import * as assert from "uvu/assert";
import { byName, fromArray, names } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { rejection } from "../rejection.js";

test("own points: examples by index, draws with their labels, every example drawn", () => {
  const data = fromArray(
    Float32Array.from({ length: 30 }, (_, i) => i),
    [3],
    [0, 1, 2, 0, 1, 2, 0, 1, 2, 0],
  );
  assert.equal([data.size, data.numClasses, data.shape], [10, 3, [3]]);
  assert.equal(data.examples!([9, 0]), Float32Array.of(27, 28, 29, 0, 1, 2));
  const { x, labels } = data.sample(random.key(0), 200);
  const drawn = Array.from({ length: 200 }, (_, i) => x[3 * i]! / 3);
  assert.equal(
    [...labels!],
    drawn.map((index) => index % 3),
  );
  assert.is(new Set(drawn).size, 10);
});

test("own images without labels", () => {
  const data = fromArray(new Float32Array(2 * 4 * 4 * 3).fill(-1), [4, 4, 3]);
  const batch = data.sample(random.key(0), 5);
  assert.is(batch.x.length, 5 * 48);
  assert.is(batch.labels, undefined);
  assert.is(data.numClasses, undefined);
});

test("bad values: invalid-data with their index", async () => {
  const x = new Float32Array(12);
  x[7] = Number.NaN;
  const nan = await rejection(() => fromArray(x, [3]));
  assert.is(nan.code, "invalid-data");
  assert.is(nan.argument, "x[7]");
  assert.match(nan.message, /invalid x\[7\] \(example 2\); given: NaN; allowed: finite numbers/);
  x[7] = Infinity;
  assert.match((await rejection(() => fromArray(x, [3]))).message, /given: Infinity/);
  x[7] = 255;
  assert.match(
    (await rejection(() => fromArray(x, [2, 2, 1]))).message,
    /x\[7\] \(example 1\); given: 255; .*\[-1, 1\]/,
  );
  fromArray(x, [3]); // points may be anywhere
  const label = await rejection(() => fromArray(new Float32Array(4), [2], [0, -1]));
  assert.match(label.message, /invalid labels\[1\]; given: -1/);
});

test("shapes that do not fit are named", async () => {
  const x = new Float32Array(12);
  for (const [attempt, argument] of [
    [() => fromArray(x, [5]), "x"],
    [() => fromArray(new Float32Array(0), [5]), "x"],
    [() => fromArray(x, [2, 2]), "shape"],
    [() => fromArray(x, [0]), "shape"],
    [() => fromArray(x, [3], [0]), "labels"],
    [() => fromArray(x, [3]).examples!([4]), "indices[0]"],
  ] as const) {
    const error = await rejection(attempt);
    assert.equal([error.code, error.argument], ["invalid-argument", argument]);
  }
});

test("by name: every known name of points, also embedded, and names come back", async () => {
  const points = ["spiral", "circle", "moons", "swiss-roll", "sphere", "torus"];
  assert.equal(names.slice(0, points.length), points);
  for (const name of points) {
    assert.is((await byName(name)).name, name);
    const embedded = await byName(`${name}-16d`, { seed: 1 });
    assert.is(embedded.name, `${name}-16d`);
    assert.equal(embedded.sample(random.key(0), 2).x.length, 32);
    assert.is(embedded.manifold!.ambientDim, 16);
  }
});

test("by name: an unknown name lists what is known", async () => {
  for (const name of ["cifar", "", "toString", "digits-16d", "spiral-d", "spiral-16d-16d"]) {
    const error = await rejection(byName(name));
    assert.equal([error.code, error.argument, error.given], ["invalid-argument", "dataset", name]);
    assert.match(error.allowed!, "spiral, circle, moons, swiss-roll, sphere, torus, digits");
  }
  assert.match((await rejection(byName("torus-2d"))).message, /invalid dim/);
});

test("by name: options that images do not have are refused", async () => {
  for (const [name, options, argument] of [
    ["portraits", { size: 32 }, "size"],
    ["spiral-16d", { size: 32 }, "size"],
    ["objects", { split: "test" }, "split"],
    ["shapes", { split: "train" }, "split"],
  ] as const) {
    const error = await rejection(byName(name, options));
    assert.equal([error.code, error.argument], ["invalid-argument", argument]);
    assert.match(error.allowed!, new RegExp(`only for digits, .*, not for ${name}$`));
  }
});

test.run();
