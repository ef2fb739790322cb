import { test } from "uvu";
import * as assert from "uvu/assert";
import { circle } from "../../datasets/toys.js";
import { compareSamples, headline, verdict } from "../../demo/headline.js";
import { drawOrigins } from "../../demo/training/posterior.js";
import { components, sumUp } from "../../demo/training/pushes.js";
import * as random from "../../src/engine/random.js";

/** The x axis as a manifold: tangent (1, 0), nearest points below or above. */
const at = (points: [number, number][], vectors: [number, number][]) =>
  components(
    Float32Array.from(vectors.flat()),
    Float32Array.from(points.flat()),
    Float32Array.from(points.flatMap(([x]) => [x, 0])),
    Float32Array.from(points.flatMap(() => [1, 0])),
  );

test("a vector is taken apart along the manifold and across it, positive to the manifold from either side", () => {
  const { along, across } = at(
    [
      [0, 1],
      [0, 1],
      [2, -1],
    ],
    [
      [0.6, -0.8],
      [0, 1],
      [-0.6, 0.8],
    ],
  );
  assert.equal(
    [...along].map((v) => v.toFixed(2)),
    ["0.60", "0.00", "-0.60"],
  );
  assert.equal(
    [...across].map((v) => v.toFixed(2)),
    ["0.80", "-1.00", "0.80"],
  );
});

test("to and fro along the manifold is taken back; always the same way is not; towards counts the side", () => {
  const right = at([[0, 1]], [[1, 0]]);
  const left = at([[0, 1]], [[-1, 0]]);
  const down = at([[0, 1]], [[0, -1]]);
  assert.equal(sumUp([right, left, right, left], 0, 1), { along: 1, takenBack: 1, toward: 0 });
  assert.is(sumUp([right, right, right], 0, 1).takenBack, 0);
  assert.equal(sumUp([down, down], 0, 1), { along: 0, takenBack: 0, toward: 1 });
  assert.is(sumUp([right, down], 0, 1).along, 0.5);
});

test("origins follow the posterior: near the noisy point for little noise, anywhere for much", () => {
  const pool = circle().sample(random.key(1), 2000).x;
  const [x, y] = [pool[0]!, pool[1]!];
  const count = 400;
  const noisy = Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? x : y));
  const spread = (t: number): number => {
    const origins = drawOrigins(random.key(2), noisy, new Float32Array(count).fill(t), pool);
    let sum = 0;
    for (let i = 0; i < origins.length; i += 2) sum += (origins[i]! - x) ** 2 + (origins[i + 1]! - y) ** 2;
    return Math.sqrt(sum / count);
  };
  // Along a curve the posterior is about a normal distribution with deviation t; for t = 10 it is the data's, sqrt(2) times the radius away.
  assert.ok(Math.abs(spread(0.05) - 0.05) < 0.01, `${spread(0.05)}`);
  assert.ok(Math.abs(spread(10) - 1) < 0.05, `${spread(10)}`);
});

test("the words follow the numbers", () => {
  const words = (along: number, takenBack = 0.8, toward = 0.9): string =>
    verdict({ along, takenBack, toward });
  assert.is(words(0.7), "oscillates along the manifold");
  assert.is(words(0.7, 0.2), "runs along the manifold");
  assert.is(words(0.5), "has no preferred direction");
  assert.is(words(0.4), "leans across the manifold");
  assert.is(words(0.1), "points to the manifold");
  assert.is(words(0.1, 0.8, 0.5), "points across the manifold, to either side");
  assert.match(compareSamples({ pixel: 0.1, MFD: 0.2 }), /closer to the data with the pixel loss/);
  assert.match(compareSamples({ pixel: 0.2, MFD: 0.1 }), /closer to the data with MFD/);
  assert.match(compareSamples({ pixel: 0.2, MFD: 0.19 }), /equally close/);
  const pushes = { along: 0.666, takenBack: 0.5, toward: 0.5 };
  const { detail } = headline({ pixel: pushes, MFD: pushes }, { pixel: 0.1, MFD: 0.2 }, 0.4, 300);
  assert.match(detail, /t = 0\.4, last 300 iterations: 67\s% /);
});

test.run();
