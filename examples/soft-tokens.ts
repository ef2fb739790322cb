// A small text-to-image flow, soft tokens for it, and pictures with and without them, whose attributes are read off.
import { datasets, engine, softrepa } from "tangent-lab";
import * as viz from "tangent-lab/viz";

const quick = process.env.QUICK === "1";
const data = datasets.objects();

const size = quick ? { layers: 2, heads: 2, headDim: 8 } : {};
const flow = await softrepa.trainFlow(data, {
  ...size,
  steps: quick ? 2 : 2500,
  batchSize: quick ? 4 : 32,
  patch: 4,
});
const tokens = await softrepa.trainTokens(data, flow, {
  layers: quick ? 1 : 3,
  tokens: 4,
  steps: quick ? 2 : 400,
  batchSize: quick ? 4 : 8,
});

const captions = ["a large red circle on the left", "a small blue ring at the top"];
const common = { captions, guidance: 2, steps: quick ? 2 : 28, key: engine.random.key(0) };
const without = await softrepa.generate(flow, common);
const withTokens = await softrepa.generate(flow, { ...common, tokens });
console.log(data.readOut!(withTokens));

const shape = [captions.length, ...data.shape];
const rows = [
  { label: "without tokens", images: { shape, values: without } },
  { label: "soft tokens", images: { shape, values: withTokens } },
];
await viz.save(viz.pictureRows({ rows }), "soft-tokens.png");
await softrepa.saveFlow("flow.safetensors", flow);
await softrepa.saveTokens("tokens.safetensors", tokens);
