import { test } from "uvu";
import * as assert from "uvu/assert";
import { byName, digits, flipped, fromArray } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";

test("half of the draws are mirror images; labels stay with their images", async () => {
  // Two images of 1 x 2 pixels with 3 channels.
  const x = Float32Array.from([...[-1, -0.9, -0.8, 0.1, 0.2, 0.3], ...[0.4, 0.5, 0.6, 0.7, 0.8, 0.9]]);
  const data = fromArray(x, [1, 2, 3], [5, 6]);
  const both = flipped(data);
  assert.equal([both.size, [...both.labels!], both.classNames], [4, [0, 1, 0, 1], ["5", "6"]]);
  assert.equal(
    both.examples!([2, 1]),
    Float32Array.from([0.1, 0.2, 0.3, -1, -0.9, -0.8, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
  );
  const { x: drawn, labels } = both.sample(random.key(1), 4000);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 4000; i++) {
    const example = [0, 1, 2, 3].find((k) =>
      both.examples!([k]).every((value, j) => value === drawn[6 * i + j]),
    )!;
    assert.is(labels![i], example % 2);
    counts[example]!++;
  }
  // Within 5 standard deviations of a quarter.
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 137, `${counts}`);
  assert.is.not(await both.fingerprint!(), await data.fingerprint!());
  assert.is(await both.fingerprint!(), await flipped(data).fingerprint!());
});

test("by name, of any images", async () => {
  const plain = await digits();
  const both = await byName("digits", { flip: true });
  assert.is(both.size, 2 * plain.size);
  const row = (x: Float32Array) => Array.from(x.subarray(16 * 8, 16 * 9));
  assert.equal(row(both.examples!([plain.size + 3])), row(plain.examples!([3])).reverse());
});

test.run();
