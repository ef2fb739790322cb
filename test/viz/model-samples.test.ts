import { test } from "uvu";
import * as assert from "uvu/assert";
import { denoiser, generate, pretrained } from "../../src/diffusion/index.js";
import * as random from "../../src/engine/random.js";
import { mlp } from "../../src/nn/index.js";
import { compare, samples } from "../../viz/index.js";

const plane = (seed: number, name: string) => {
  const network = denoiser(mlp({ dim: 2, width: 8 }), { sigmaData: 0.5 });
  return pretrained(network, network.init(random.key(seed)), { shape: [2], name });
};

test("a trained model is drawn from: what is shown is what generate draws, for several models from the same noise", async () => {
  const models = { first: plane(1, "a"), second: plane(2, "b") };
  const spec = await samples(models, { count: 7, seed: 3 });
  const text = JSON.stringify(spec);
  for (const model of Object.values(models)) {
    const { values } = await generate(model, { count: 7, seed: 3 });
    const [x, y] = [values[0]!, values[1]!].map((value) => Number(value.toPrecision(4)));
    assert.ok(text.includes(JSON.stringify({ x, y })), `${x}, ${y}`);
  }
  assert.match(text, /Drawn in 1 evaluation of the network, from the same noise\./);
  assert.match(text, /Samples of first and second/);
});

test("what was not recorded is left out of a comparison, and named", () => {
  const text = JSON.stringify(compare({ first: plane(1, "a") }));
  assert.match(text, /Not recorded: samples, a metric, tangents and cost\./);
});

test.run();
