import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/engine/compile.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { type ContrastiveConfig, contrastive, pairErrors } from "../../src/softrepa/contrastive.js";
import { contrastiveLoss, infoNceBound } from "../../src/softrepa/contrastive-loss.js";
import type { HardNegatives } from "../../src/softrepa/negatives.js";
import { softTokens } from "../../src/softrepa/tokens.js";
import { verifyFile } from "../../src/verify/verify.js";
import { checkGradients } from "../finite-differences.js";
import { close, readReference } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";
import { captions, dim, toyFlow } from "./toy-flow.js";

const tokens = softTokens({ dim, layers: 2, tokens: 2, timeRows: 10, standardDeviation: 0.5 });
const images = random.normal(random.key(1), 6 * 4);
const labels = Int32Array.of(0, 1, 2, 3, 4, 5);

test("the published loss and its gradients, with and without a weight on the positives", async () => {
  const reference = readReference("contrastive.safetensors");
  for (const [suffix, positiveWeight] of [
    ["", 0],
    ["_dweight10", 10],
  ] as const) {
    const step = compile((errors: Tensor, own: Tensor) =>
      tf.valueAndGrad(
        (errors: tf.Tensor) => contrastiveLoss(errors, own, { positiveWeight }).loss as tf.Scalar,
      )(errors as tf.Tensor),
    );
    const { value, grad } = await step(reference("errors"), tf.eye(6));
    close(value.dataSync(), reference(`loss${suffix}`).dataSync(), 1e-4, "loss");
    close(grad, reference(`grad_errors${suffix}`), 1e-3, "gradient");
  }
});

test("errors of every image with every caption, as one by one", () => {
  const x = tf.tensor(images, [6, 2, 2, 1]);
  const noise = tf.tensor([0.3, -1, 0.5, 2], [1, 2, 2, 1]);
  const t = tf.tensor1d([0.4]);
  const text = toyFlow.encode(toyFlow.parameters, toyFlow.tokenize(captions));
  const all = pairErrors(toyFlow, toyFlow.parameters, x, noise, t, text).arraySync() as number[][];
  for (const [i, j] of [
    [0, 0],
    [2, 5],
    [5, 1],
  ] as const) {
    const image = tf.slice(x, i, 1);
    const one = { numbers: tf.slice(text.numbers!, j, 1) };
    const v = toyFlow.velocity(toyFlow.parameters, tf.add(tf.mul(image, 0.6), tf.mul(noise, 0.4)), t, one);
    const error = tf.mean(tf.square(tf.sub(v, tf.sub(noise, image)))).dataSync()[0]!;
    assert.ok(Math.abs(all[i]![j]! - error) < 1e-5, `${i}, ${j}: ${all[i]![j]} and ${error}`);
  }
});

test("a step in chunks is the step in one piece; the flow stays as it is", async () => {
  const step = async (chunk: number): Promise<{ parameters: Float32Array; loss: number }> => {
    const method = contrastive({ flow: toyFlow, tokens, captions, chunk, learningRate: 0.1 });
    const batch = method.batch(random.key(3), images, 0, labels);
    const { state, metrics } = await compile(method.step)(method.init(random.key(2)), batch);
    assert.is(state.context.flow!.dataSync()[0], toyFlow.parameters.dataSync()[0]);
    return {
      parameters: state.parameters.dataSync().slice() as Float32Array,
      loss: metrics.loss.dataSync()[0]!,
    };
  };
  const [whole, rows, uneven] = [await step(36), await step(1), await step(25)];
  for (const other of [rows, uneven]) {
    assert.ok(Math.abs(whole.loss - other.loss) < 1e-6);
    close(other.parameters, whole.parameters, 1e-5, "parameters");
  }
});

test("linear logits: the published number, the row's smallest does not matter, errors far apart still count", async () => {
  for (const name of ["contrastive", "contrastive_linear"]) {
    const file = new URL(`../fixtures/reference/${name}.safetensors`, import.meta.url);
    const result = await verifyFile(fileURLToPath(file));
    assert.is(result.status, "passed", JSON.stringify(result));
  }
  const errors = tf.tensor2d([
    [0.4, 0.42, 0.9],
    [0.5, 0.44, 0.46],
  ]);
  const own = tf.tensor2d([
    [1, 0, 0],
    [0, 1, 0],
  ]);
  checkGradients(
    (e) => contrastiveLoss(e, own, { logits: "linear", positiveWeight: 2 }).loss,
    [errors],
    1e-2,
  );
  const of = (shift: number, form: "linear" | "exponential"): number =>
    contrastiveLoss(tf.add(errors, shift), own, { logits: form }).crossEntropy.dataSync()[0]!;
  assert.ok(Math.abs(of(0, "linear") - of(0.5, "linear")) < 1e-4);
  // The published logits vanish for large errors, and with them what tells captions apart: ln(3).
  assert.ok(Math.abs(of(0.5, "exponential") - Math.log(3)) < 1e-2);
});

/** Steps by the gradient itself: old - new parameters. */
const plain = {
  name: "plain",
  init: () => ({ step: tf.scalar(0) }),
  update: (gradient: Tensor, state: object, parameters: Tensor) => ({
    parameters: tf.sub(parameters, gradient),
    state,
  }),
} as never;

const negatives: HardNegatives = { of: (label) => [[(label + 1) % 6, (label + 3) % 6], [(label + 2) % 6]] };
const variants = {
  exponential: { temperature: 1 },
  linear: { logits: "linear", temperature: 0.3, positiveWeight: 0.2 },
  "several times": { timesPerStep: 3, tMin: 0.3, tMax: 0.95 },
  "hard negatives": { negatives, logits: "linear", temperature: 0.3 },
  "two hard negatives at two times": {
    negatives: { ...negatives, count: 2 },
    timesPerStep: 2,
    temperature: 0.5,
  },
  "no contrast": { contrast: false, timesPerStep: 2 },
  "no contrast, weighted": { contrast: false, positiveWeight: 3 },
} as const satisfies Record<string, Partial<ContrastiveConfig>>;

for (const [name, options] of Object.entries(variants) as [string, Partial<ContrastiveConfig>][]) {
  test(`${name}: a step's gradient is that of its loss, in chunks as whole`, async () => {
    const config = { flow: toyFlow, tokens, captions, optimizer: plain, ...options };
    const batch = contrastive(config).batch(random.key(3), images, 0, labels);
    const start = tf.tensor1d(random.normal(random.key(8), tokens.structure.size));
    const at = (parameters: Tensor, chunk = 64) => {
      const { step, from } = contrastive({ ...config, chunk });
      const { state, metrics } = step(from(parameters), batch);
      return { loss: metrics.loss.dataSync()[0]!, gradient: tf.sub(parameters, state.parameters), metrics };
    };
    const { loss, gradient, metrics } = at(start);
    for (const chunk of [1, 14, 25]) {
      const other = at(start, chunk);
      assert.ok(Math.abs(other.loss - loss) < 1e-5, `${chunk}: ${other.loss}, ${loss}`);
      close(other.gradient, gradient, 1e-4, `gradient in chunks of ${chunk}`);
    }
    const direction = tf.div(gradient, tf.norm(gradient));
    const moved = (by: number): number => at(tf.add(start, tf.mul(direction, by))).loss;
    const numeric = (moved(0.02) - moved(-0.02)) / 0.04;
    const analytic = tf.norm(gradient).dataSync()[0]!;
    assert.ok(analytic > 1e-4, `gradient ${analytic}`);
    assert.ok(Math.abs(numeric - analytic) < 2e-2 * analytic, `gradient ${analytic}, differences ${numeric}`);
    assert.equal(
      Object.keys(metrics).sort(),
      options.contrast === false
        ? ["error", "gradientNorm", "loss"]
        : ["accuracy", "crossEntropy", "error", "gradientNorm", "loss"],
    );
    // Compiled, it is the same step.
    const compiled = await compile(contrastive(config).step)(contrastive(config).from(start), batch);
    close(compiled.state.parameters, tf.sub(start, gradient), 1e-4, "compiled");
  });
}

test("a row has the batch's captions and the image's own hard negatives, each time its own noise", () => {
  const method = contrastive({
    flow: toyFlow,
    tokens,
    captions,
    negatives,
    timesPerStep: 2,
    logits: "linear",
    temperature: 1,
  });
  const { x, noise, t, ids } = method.batch(random.key(3), images, 0, labels) as unknown as Record<
    string,
    Tensor
  >;
  assert.equal([x!.shape, noise!.shape, t!.shape, ids!.shape], [[6, 2, 2, 1], [2, 2, 2, 1], [2], [36, 1]]);
  const numbers = [...ids!.dataSync()];
  assert.equal(numbers.slice(0, 6), [1, 2, 3, 4, 5, 6]);
  labels.forEach((label) => {
    const hard = numbers.slice(6 + 5 * label, 11 + 5 * label).map((number) => number - 1);
    assert.equal(new Set(hard), new Set([1, 2, 3].map((k) => (label + k) % 6)));
  });
  // The loss, pair by pair, in float64 but for the errors.
  const text = toyFlow.encode(toyFlow.parameters, ids!);
  const start = method.init(random.key(2));
  let expected = 0;
  for (const k of [0, 1]) {
    const time = tf.slice(t!, k, 1);
    const soft = tokens.apply(start.parameters, time);
    const e = tf.slice(noise!, k, 1);
    const all = pairErrors(toyFlow, toyFlow.parameters, x!, e, time, text, soft).arraySync() as number[][];
    all.forEach((errors, i) => {
      const row = [...errors.slice(0, 6), ...errors.slice(6 + 5 * i, 11 + 5 * i)];
      const sum = row.reduce((sum, error) => sum + Math.exp(-(error - errors[i]!)), 0);
      expected += Math.log(sum) / 12;
    });
  }
  const { metrics } = method.step(start, method.batch(random.key(3), images, 0, labels));
  assert.ok(
    Math.abs(metrics.loss.dataSync()[0]! - expected) < 1e-4,
    `${metrics.loss.dataSync()}, ${expected}`,
  );
});

test("plain prompt tuning: the mean error of images with their own captions, each with its own noise", () => {
  const method = contrastive({ flow: toyFlow, tokens, captions, contrast: false });
  const batch = method.batch(random.key(3), images, 0, labels) as unknown as Record<string, Tensor>;
  const { x, noise, t, ids } = batch as Record<"x" | "noise" | "t" | "ids", Tensor>;
  assert.equal(
    [noise.shape, ids.shape],
    [
      [6, 2, 2, 1],
      [6, 1],
    ],
  );
  const start = method.init(random.key(2));
  const text = toyFlow.encode(toyFlow.parameters, ids);
  const noisy = tf.add(tf.mul(x, tf.sub(1, t)), tf.mul(noise, t));
  const soft = tokens.apply(start.parameters, tf.tile(t as tf.Tensor1D, [6]));
  const v = toyFlow.velocity(toyFlow.parameters, noisy, tf.tile(t as tf.Tensor1D, [6]), text, soft);
  const error = tf.mean(tf.square(tf.sub(v, tf.sub(noise, x)))).dataSync()[0]!;
  const { metrics } = method.step(start, batch as never);
  assert.ok(Math.abs(metrics.loss.dataSync()[0]! - error) < 1e-5);
  // One picture will do.
  method.batch(random.key(3), images.slice(0, 4), 0, Int32Array.of(2));
});

test("times: one in each equal part of the range", () => {
  for (const [tMin, tMax, timesPerStep] of [
    [0, 1, 1],
    [0.3, 0.95, 4],
    [0.9, 1, 7],
  ] as const) {
    const method = contrastive({ flow: toyFlow, tokens, captions, tMin, tMax, timesPerStep });
    for (let seed = 0; seed < 50; seed++) {
      const { t } = method.batch(random.key(seed), images, 0, labels) as unknown as { t: Tensor };
      t.dataSync().forEach((time, k) => {
        const part = (tMax - tMin) / timesPerStep;
        assert.ok(time >= tMin + k * part - 1e-6 && time <= tMin + (k + 1) * part + 1e-6, `${time}`);
      });
    }
  }
});

test("training the tokens on one batch lowers its loss", async () => {
  const method = contrastive({ flow: toyFlow, tokens, captions, temperature: 1, learningRate: 0.03 });
  const step = compile(method.step);
  // Each image is near what its caption predicts at v = e - x0.
  const x = Float32Array.from({ length: 24 }, (_, k) => -0.8 * Math.floor(k / 4) + 0.01 * images[k]!);
  let state = method.init(random.key(2));
  const losses: number[] = [];
  for (let i = 0; i < 40; i++) {
    const next = await step(state, method.batch(random.key(4), x, i, labels));
    state = next.state;
    losses.push(next.metrics.loss.dataSync()[0]!);
  }
  assert.ok(losses.at(-1)! < 0.9 * losses[0]!, `${losses[0]} -> ${losses.at(-1)}`);
});

test("the mutual information bound: nothing known is 0, everything ln(captions)", () => {
  const bound = (errors: number[][]): number => {
    const { crossEntropy } = contrastiveLoss(tf.tensor2d(errors), tf.eye(2), {
      scale: 1000,
      temperature: 0.1,
    });
    return infoNceBound(crossEntropy.dataSync()[0]!, 2);
  };
  assert.ok(
    Math.abs(
      bound([
        [0.5, 0.5],
        [0.5, 0.5],
      ]),
    ) < 1e-5,
  );
  assert.ok(
    Math.abs(
      bound([
        [0.1, 0.9],
        [0.9, 0.1],
      ]) - Math.log(2),
    ) < 1e-5,
  );
});

test("bad input is refused", async () => {
  const refusals: [() => unknown, string][] = [
    [() => contrastive({ flow: toyFlow, tokens, captions: [] }), "captions"],
    [() => contrastive({ flow: toyFlow, tokens, captions: "one" as never }), "captions"],
    [() => contrastive(undefined as never), "config"],
    ...(
      [
        [{ temperature: -0.1 }, "temperature"],
        [{ logits: "softmax" }, "logits"],
        [{ logits: "linear", scale: 4 }, "scale"],
        [{ logits: "linear", temperature: 0 }, "temperature"],
        [{ tMin: -0.1 }, "tMin"],
        [{ tMin: 1 }, "tMin"],
        [{ tMin: Number.NaN }, "tMin"],
        [{ tMax: 1.1 }, "tMax"],
        [{ tMin: 0.5, tMax: 0.5 }, "tMax"],
        [{ timesPerStep: 0 }, "timesPerStep"],
        [{ contrast: 0 }, "contrast"],
        [{ contrast: false, positiveWeight: 0 }, "positiveWeight"],
        [{ contrast: false, temperature: 0.1 }, "temperature"],
        [{ contrast: false, negatives }, "negatives"],
        [{ negatives: "attributes" }, "negatives"],
        [{ negatives: { ...negatives, count: 0 } }, "negatives.count"],
        [{ tokens: softTokens({ dim: dim + 1 }) }, "tokens.dim"],
        [{ tokens: softTokens({ dim, textDim: 7 }) }, "tokens.textDim"],
      ] as const
    ).map(([bad, argument]): [() => unknown, string] => [
      () => contrastive({ flow: { ...toyFlow, tokenDim: dim }, tokens, captions, ...bad } as never),
      argument,
    ]),
    [() => contrastive({ flow: toyFlow, tokens, captions, chunk: 0 }), "chunk"],
    [() => contrastive({ flow: toyFlow, tokens, captions, temperature: 0 }), "temperature"],
    [() => contrastive({ flow: toyFlow, tokens, captions, positiveWeight: -1 }), "positiveWeight"],
    [() => contrastive({ flow: toyFlow, tokens, captions }).batch(random.key(0), images, 0), "data"],
    [
      () =>
        contrastive({ flow: toyFlow, tokens, captions }).batch(
          random.key(0),
          images.slice(0, 4),
          0,
          Int32Array.of(0),
        ),
      "batchSize",
    ],
  ];
  for (const [attempt, argument] of refusals) {
    const error = await rejection(attempt);
    assert.equal([error.code, error.argument], ["invalid-argument", argument]);
  }
});

test.run();
