import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import { edit } from "../../src/softrepa/editing.js";
import { softTokens } from "../../src/softrepa/tokens.js";
import { rejection } from "../rejection.js";
import { dim, toyFlow } from "./toy-flow.js";

const images = tf.tensor(random.uniform(random.key(1), 8, -1, 1), [2, 2, 2, 1]);
/** v = the caption's number, 0.3 for each word's place in the list: every step can be followed by hand. */
const constant = {
  ...toyFlow,
  velocity: (...[, x, , { numbers }]: Parameters<typeof toyFlow.velocity>) =>
    tf.add(tf.zerosLike(x), tf.reshape(numbers!, [-1, 1, 1, 1])),
};

test("the same caption and guidance on both sides leave the images as they are", async () => {
  const captions = ["one", "four"];
  const { images: edited } = await edit(toyFlow, {
    ...{
      images,
      source: captions,
      target: captions,
      sourceGuidance: 2,
      targetGuidance: 2,
      key: random.key(2),
    },
  });
  const difference = tf.max(tf.abs(tf.sub(edited, images))).dataSync()[0]!;
  assert.ok(difference < 1e-5, `${difference}`);
});

test("constant velocities: z moves by (0 - t_start) (s_tgt v_tgt - s_src v_src); frames end in the result", async () => {
  const { images: edited, frames } = await edit(constant, {
    ...{
      images,
      source: ["one", "one"],
      target: ["two", "three"],
      steps: 10,
      start: 6,
      frames: 3,
      key: random.key(2),
    },
    ...{ sourceGuidance: 1.5, targetGuidance: 4 },
  });
  const moved = tf.sub(edited, images).arraySync() as number[][][][];
  // The empty caption's number is 0, so that guidance multiplies.
  const expected = [0.6, 0.9].map((target) => -0.6 * (4 * target - 1.5 * 0.3));
  moved.forEach((image, i) => {
    for (const value of image.flat(2))
      assert.ok(Math.abs(value - expected[i]!) < 1e-5, `${value}, not ${expected[i]}`);
  });
  assert.is(frames.length, 3);
  assert.equal(frames[2]!.arraySync(), edited.arraySync());
  const first = (tf.sub(frames[0]!, images).arraySync() as number[][][][])[0]!.flat(2)[0]!;
  assert.ok(Math.abs(first - expected[0]! / 3) < 1e-5);
});

test("soft tokens take part in both velocities; zero tokens change nothing", async () => {
  const config = {
    images,
    source: ["one", "two"],
    target: ["five", "six"],
    steps: 4,
    start: 4,
    key: random.key(2),
  };
  const plain = await edit(toyFlow, config);
  const withTokens = (standardDeviation: number) => {
    const model = softTokens({ dim, layers: 1, tokens: 2, timeRows: 0, standardDeviation });
    return edit(toyFlow, { ...config, tokens: { model, parameters: model.init(random.key(3)) } });
  };
  assert.equal((await withTokens(0)).images.arraySync(), plain.images.arraySync());
  assert.not.equal((await withTokens(1)).images.arraySync(), plain.images.arraySync());
});

test("bad input is refused", async () => {
  const good = { images, source: ["one", "two"], target: ["five", "six"], key: random.key(2) };
  for (const [bad, argument] of [
    [{ source: ["one"] }, "source"],
    [{ target: [] }, "target"],
    [{ images: tf.zeros([2, 3, 3, 1]) }, "images.shape"],
    [{ steps: 0 }, "steps"],
    [{ start: 21 }, "start"],
    [{ frames: -1 }, "frames"],
    [{ targetGuidance: Number.NaN }, "targetGuidance"],
  ] as const) {
    const error = await rejection(edit(toyFlow, { ...good, ...bad }));
    assert.equal([error.code, error.argument], ["invalid-argument", argument]);
  }
});

test.run();
