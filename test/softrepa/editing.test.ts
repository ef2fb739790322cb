import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { edit, editWith } from "../../src/softrepa/editing.js";
import { softTokens } from "../../src/softrepa/tokens.js";
import { close } from "../reference/fixtures.js";
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
      guidanceForm: "flowedit",
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
    sourceGuidance: 1.5,
    targetGuidance: 4,
    guidanceForm: "flowedit",
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

const moved = async (config: Partial<Parameters<typeof edit>[1]>): Promise<number[]> => {
  const both = { source: ["one", "one"], target: ["two", "three"], key: random.key(2), steps: 10, start: 6 };
  const { images: edited } = await edit(constant, { images, ...both, ...config });
  const difference = tf.sub(edited, images).arraySync() as number[][][][];
  // All pixels of an image move alike.
  return difference.map((image) => {
    const values = image.flat(2);
    assert.ok(Math.max(...values) - Math.min(...values) < 1e-5);
    return values[0]!;
  });
};
const near = (given: readonly number[], expected: readonly number[], what: string): void =>
  given.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) < 1e-5, `${what}: ${given}, not ${expected}`);
  });

test("the published guidance of the target is on top of the caption's velocity; the source's is the usual one", async () => {
  const guidance = { sourceGuidance: 1.5, targetGuidance: 3 };
  const published = await moved(guidance);
  near(
    published,
    [0.6, 0.9].map((v) => -0.6 * (v + 3 * v - 1.5 * 0.3)),
    "published",
  );
  near(await moved({ ...guidance, guidanceForm: "softrepa" }), published, "by name");
  near(await moved({ ...guidance, targetGuidance: 4, guidanceForm: "flowedit" }), published, "one more");
  // The defaults are the same velocity in both forms.
  near(await moved({}), await moved({ guidanceForm: "flowedit" }), "defaults");
});

test("negative prompts on both sides: one for all, or one for each", async () => {
  const guidance = { sourceGuidance: 1.5, targetGuidance: 4, guidanceForm: "flowedit" } as const;
  const by = (negatives: number[]): number[] =>
    [0.6, 0.9].map((v, i) => {
      const v0 = negatives[i]!;
      return -0.6 * (v0 + 4 * (v - v0) - (v0 + 1.5 * (0.3 - v0)));
    });
  near(await moved({ ...guidance, negativePrompt: "four" }), by([1.2, 1.2]), "one");
  near(await moved({ ...guidance, negativePrompt: ["four", "one"] }), by([1.2, 0.3]), "each");
});

test("shifted levels: the first is shift s / (1 + (shift - 1) s) of 0.6", async () => {
  const v = [0.6, 0.9].map((v) => 4 * v - 1.5 * 0.3);
  const guidance = { sourceGuidance: 1.5, targetGuidance: 4, guidanceForm: "flowedit" } as const;
  near(
    await moved({ ...guidance, shift: 3 }),
    v.map((v) => (-1.8 / 2.2) * v),
    "shift",
  );
});

test("n_avg is a mean over noises; n_min ends in the target's own way from a noisy image", async () => {
  const config = { images, source: ["one", "two"], target: ["five", "six"], steps: 3, start: 1 };
  const noises = [0, 1, 2].map((k) => random.normal(random.key(20 + k), images.size));
  const once = async (k: number): Promise<Tensor> =>
    (await editWith(toyFlow, config, () => noises[k]!)).images;
  const { images: averaged } = await editWith(toyFlow, { ...config, nAvg: 3 }, (_, k) => noises[k]!);
  const mean = tf.mean(tf.stack([await once(0), await once(1), await once(2)]), 0);
  close(averaged.dataSync(), mean.dataSync(), 1e-5, "mean");

  // Of constant velocities, the last two of six tenths: z + t (e - x), and t times the target's velocity less.
  const noise = noises[0]!;
  const run = await editWith(
    constant,
    {
      ...{
        images,
        source: ["one", "one"],
        target: ["two", "three"],
        steps: 10,
        start: 6,
        nMin: 2,
        frames: 6,
      },
      sourceGuidance: 1.5,
      targetGuidance: 4,
      guidanceForm: "flowedit",
    },
    () => noise,
  );
  const x = images.dataSync();
  const expected = Float32Array.from(x, (value, i) => {
    const v = 4 * [0.6, 0.9][Math.floor(i / 4)]!;
    const z = value - 0.4 * (v - 1.5 * 0.3);
    return z + 0.2 * (noise[i]! - value) - 0.2 * v;
  });
  close(run.images.dataSync(), expected, 1e-5, "images");
  assert.is(run.frames.length, 6);
});

test("images of another size than the flow's, where it takes them", async () => {
  const roomy = { ...constant, sizes: { multiple: 1, most: 4 } };
  const large = tf.tensor(random.uniform(random.key(4), 24, -1, 1), [2, 3, 4, 1]);
  const config = { images: large, source: ["one", "one"], target: ["two", "two"], key: random.key(2) };
  const { images: edited } = await edit(roomy, config);
  assert.equal(edited.shape, [2, 3, 4, 1]);
  const error = await rejection(edit(constant, config));
  assert.is(error.argument, "images.shape");
});

test("an edit leaves no tensors behind but its results", async () => {
  const config = {
    images,
    source: ["one", "two"],
    target: ["five", "six"],
    steps: 4,
    start: 4,
    key: random.key(2),
  };
  for (const more of [{}, { nMin: 2 }, { nAvg: 2, frames: 2 }]) {
    const before = tf.memory().numTensors;
    const { images: edited, frames } = await edit(toyFlow, { ...config, ...more });
    tf.dispose([edited, ...frames] as tf.Tensor[]);
    assert.is(tf.memory().numTensors, before, JSON.stringify(more));
  }
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
    [{ source: "ab" }, "source"],
    [{ target: [1, 2] }, "target[0]"],
    [{ key: undefined }, "key"],
    [{ images: undefined }, "images"],
    [{ nMin: 16 }, "nMin"],
    [{ nAvg: 0 }, "nAvg"],
    [{ shift: 0 }, "shift"],
    [{ spacing: "other" }, "spacing"],
    [{ guidanceForm: "other" }, "guidanceForm"],
    [{ negativePrompt: ["one"] }, "negativePrompt"],
    [{ tokens: { model: softTokens({ dim: dim + 1 }), parameters: images } }, "tokens.dim"],
  ] as const) {
    const error = await rejection(edit({ ...toyFlow, tokenDim: dim }, { ...good, ...bad } as never));
    assert.equal([error.code, error.argument], ["invalid-argument", argument]);
  }
});

test.run();
