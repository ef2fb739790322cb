import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Attributes, pairs } from "../../datasets/index.js";
import * as random from "../../src/engine/random.js";
import { crossEntropy, fittedTemperature, withDoubt } from "../../src/experiments/softrepa/information.js";
import { mendedOf } from "../../src/experiments/softrepa/mended.js";
import { everyArm } from "../../src/experiments/softrepa/plan.js";
import type { ArmRecord } from "../../src/experiments/softrepa/record.js";
import { exchangeable, rightOf, shareRight, verdicts } from "../../src/experiments/softrepa/verdicts.js";
import { mcNemar } from "../../src/experiments/statistics.js";
import { rejection } from "../rejection.js";

const data = pairs();
const near = (value: number, expected: number, tolerance = 1e-9): void =>
  assert.ok(Math.abs(value - expected) < tolerance, `${value} is not ${expected}`);

test("McNemar's exact test has the values of a binomial test", () => {
  const of = (first: number, second: number, both = 7): ReturnType<typeof mcNemar> => {
    const list = (right: boolean[][]): boolean[] => right.flat();
    const many = (count: number, is: boolean): boolean[] => Array<boolean>(count).fill(is);
    return mcNemar(
      list([many(first, true), many(second, false), many(both, true)]),
      list([many(first, false), many(second, true), many(both, true)]),
    );
  };
  // R: binom.test(3, 13)$p.value, binom.test(5, 20)$p.value and so on.
  near(of(3, 10).p, 0.09228515625, 1e-7);
  near(of(15, 5).p, 0.04138946533203125, 1e-7);
  near(of(0, 5).p, 0.0625, 1e-7);
  assert.equal(of(0, 0), { first: 0, second: 0, p: 1 });
  assert.is(of(1, 0).p, 1);
  assert.is(of(4, 4).p, 1);
  assert.equal([of(3, 10).first, of(3, 10).second], [3, 10]);
  assert.ok(of(0, 400).p >= 0 && of(0, 400).p < 1e-9);
});

test("the judge is exact on rendered pictures, attribute by attribute and bindings", () => {
  for (const split of ["seen", "held-out"] as const) {
    const { x, attributes } = data.sample(random.key(1), 200, split);
    const found = verdicts(data, data.readOut!(x), attributes);
    assert.is(found.right, "1".repeat(200));
    assert.equal([found.bound, shareRight(found)], [1, 1]);
  }
});

test("what is wrong with pictures is told apart", () => {
  assert.equal(exchangeable(data), [
    ["colour", "second colour"],
    ["shape", "second shape"],
  ]);
  const asked: Attributes = {
    ...{ colour: "red", shape: "circle", relation: "above" },
    ...{ "second colour": "blue", "second shape": "square" },
  };
  const of = (change: Attributes): ReturnType<typeof verdicts> =>
    verdicts(data, [{ ...asked, ...change }], [asked]);
  assert.equal(of({}), { right: "1", bound: 1, repeated: 0 });
  assert.equal(of({ colour: "green" }), { right: "0", bound: 1, repeated: 0 });
  assert.equal(of({ relation: "left of" }), { right: "0", bound: 1, repeated: 0 });
  assert.equal(of({ colour: "blue", "second colour": "red" }), { right: "0", bound: 0, repeated: 0 });
  assert.equal(of({ shape: "square", "second shape": "circle" }), { right: "0", bound: 0, repeated: 0 });
  assert.equal(of({ colour: "blue", shape: "square" }), { right: "0", bound: 1, repeated: 1 });
  assert.equal(rightOf({ right: "101" }), [true, false, true]);
});

test("the fitted temperature is the best one, whatever the errors are scaled by", () => {
  const noise = random.uniform(random.key(2), 400);
  const matrices = Array.from({ length: 4 }, (_, k) =>
    Array.from({ length: 5 }, (_, i) =>
      Array.from({ length: 5 }, (_, j) => 0.3 + 0.05 * noise[25 * k + 5 * i + j]! - (i === j ? 0.02 : 0)),
    ),
  );
  const best = fittedTemperature(matrices);
  const { loss } = crossEntropy(withDoubt(matrices), best);
  fc.assert(
    fc.property(fc.double({ min: -4, max: 4, noNaN: true }), (octaves) => {
      assert.ok(crossEntropy(withDoubt(matrices), best * 2 ** octaves).loss >= loss - 1e-9);
    }),
    { seed: 1 },
  );
  const larger = matrices.map((rows) => rows.map((row) => row.map((error) => 10 * error)));
  near(fittedTemperature(larger) / best, 10, 1e-3);
  // All told apart by a gap of 0.1: not 0, or a wrong row of other examples would count without end. One of 100 as likely as what is seen.
  const apart = Array.from({ length: 50 }, () => [
    [0.1, 0.2],
    [0.2, 0.1],
  ]);
  near(fittedTemperature(apart), 0.1 / Math.log(100), 1e-4);
  // Two captions: ln(1 + exp(-gap / temperature)).
  const two = crossEntropy(
    [
      [
        [0.1, 0.3],
        [0.2, 0.2],
      ],
    ],
    0.1,
  );
  near(two.loss, (Math.log(1 + Math.exp(-2)) + Math.log(2)) / 2);
  assert.is(two.accuracy, 1);
});

/** An arm of one seed of which these pictures are right, with as many on each of two guidances. */
const arm = (name: string, right: string, guided = right, frechet = 1): ArmRecord => {
  const quality = (bits: string, guidance: number) => ({
    ...{ guidance, right: bits, bound: 1, repeated: 0, dualScore: 0, frechet },
    agreement: { overall: shareRight({ right: bits }), byAttribute: { colour: 1 } },
  });
  return {
    ...{ name, trained: 0, alignment: null, editing: [], stepTime: 0 },
    curve: [quality(right, 1), quality(guided, 3)],
    splits: {
      seen: {
        ...quality(right, 1),
        information: {
          ...{ bound: 1, accuracy: 1, ceiling: 2 },
          times: [{ t: 0.5, temperature: 0.1, bound: 1, accuracy: 1 }],
        },
      },
    },
  };
};

test("arms are measured by the share of the gap that they mend, with guidance chosen on other pictures", () => {
  const seeds = [10, 11].map((seed) => ({
    seed,
    arms: [
      arm("none", "10001000", "11001110"),
      arm("prompt tuning", "10101010", "00000000", 2),
      arm("hard negatives", seed === 10 ? "11101110" : "10101110"),
      arm("oracle", "11101110"),
    ],
  }));
  const mended = mendedOf(seeds);
  near(mended.gap.seen!.mean, 0.5);
  const of = (name: string) => mended.arms.find((each) => each.name === name)!;
  assert.is(of("none").splits.seen!.mended!.mean, 0);
  assert.is(of("none").splits.seen!.mcNemar, null);
  near(of("prompt tuning").splits.seen!.mended!.mean, 0.5);
  near(of("hard negatives").splits.seen!.mended!.mean, (1 + 0.75) / 2);
  assert.equal(of("prompt tuning").splits.seen!.mcNemar, { first: 4, second: 0, p: 0.125 });
  near(of("prompt tuning").splits.seen!.frechetVersus!.mean, 1);
  // Guidance 3 is the better one on either half: it has five of eight right, the oracle six and the base two.
  assert.equal(of("none").best.guidance, [3]);
  near(of("none").best.mended!.mean, 0.75);
  assert.equal(of("prompt tuning").best.guidance, [1]);
  near(of("prompt tuning").best.mended!.mean, 0.5);
  const contest = mended.contests.find(({ second }) => second === "hard negatives")!;
  near(contest.difference.mean, (0.25 + 0.125) / 2);
  assert.equal([mended.pictures, mended.curvePictures, mended.seeds], [{ seen: 8 }, 8, [10, 11]]);
});

test("no picture is measured with the guidance that was chosen on it; of equal ones the smallest is chosen", () => {
  // The first half asks for guidance 3, the second for 1: each is then measured where it is worse.
  const [only] = mendedOf([{ seed: 1, arms: [arm("none", "10001110", "11001100")] }]).arms;
  assert.equal(only!.best.guidance, [1, 3]);
  near(only!.best.right.mean, (1 + 2) / 8);
  const [level] = mendedOf([{ seed: 1, arms: [arm("none", "1010", "1010")] }]).arms;
  assert.equal(level!.best.guidance, [1]);
});

test("without an oracle, or where it is no better, there are no shares of a gap", () => {
  const alone = mendedOf([{ seed: 1, arms: [arm("none", "10"), arm("prompt tuning", "11")] }]);
  assert.is(alone.arms[1]!.splits.seen!.mended, null);
  assert.equal(alone.gap, {});
  const level = mendedOf([{ seed: 1, arms: [arm("none", "10"), arm("oracle", "01")] }]);
  assert.is(level.arms[1]!.splits.seen!.mended, null);
});

test("seeds without a base, or with other arms, are refused", async () => {
  assert.is((await rejection(() => mendedOf([]))).argument, "seeds");
  assert.is((await rejection(() => mendedOf([{ seed: 1, arms: [arm("oracle", "1")] }]))).argument, "arms");
  const seeds = [
    { seed: 1, arms: [arm("none", "1")] },
    { seed: 2, arms: [arm("none", "1"), arm("oracle", "1")] },
  ];
  assert.is((await rejection(() => mendedOf(seeds))).argument, "arms of seed 2");
});

test("the arms are what the study asks for", () => {
  const arms = everyArm(4000);
  assert.is(new Set(arms.map(({ name }) => name)).size, 7);
  const hard = arms.find(({ name }) => name === "hard negatives")!;
  assert.ok(hard.trains === "tokens" && hard.negatives === "attributes" && hard.timeRows === 10);
  const published = arms.find(({ name }) => name === "published form")!;
  assert.ok(
    published.trains === "tokens" && published.logits === "exponential" && published.timeRows === 100,
  );
});

test.run();
