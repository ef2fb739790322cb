import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { compile } from "../../src/engine/compile.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { contrastive, pairErrors } from "../../src/softrepa/contrastive.js";
import { contrastiveLoss, infoNceBound } from "../../src/softrepa/contrastive-loss.js";
import { softTokens } from "../../src/softrepa/tokens.js";
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
