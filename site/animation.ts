// `npm run animation`: docs/training.gif, pixel loss against MFD on the spiral over training. Seed 0; about a minute on 2 cores.
import gifenc from "gifenc";
import { PNG } from "pngjs";
import { consistency, datasets, diffusion, engine, manifold } from "tangent-lab";
import * as viz from "tangent-lab/viz";
import { writeFileAtomically } from "../src/io/files.js";

const { GIFEncoder, applyPalette, quantize } = gifenc;
const frames = 30;
const steps = process.env.QUICK === "1" ? frames : 3000;
const dim = 16;
const data = datasets.embed(datasets.spiral(), dim);

const denoiser = await diffusion.train(data, { steps });
const features = await manifold.train(data, { steps });
const common = {
  from: denoiser,
  steps,
  batchSize: 16,
  recording: { every: steps / frames, count: 256, shown: 256 },
};
const records = [
  (await consistency.train(data, { ...common, name: "pixel loss" })).record,
  (await consistency.train(data, { ...common, name: "MFD", loss: consistency.mfd(features) })).record,
];

const key = engine.random.key(1);
const reference = data.sample(key, 400).x;
const plane = viz.pca({ shape: [400, dim], values: reference });
type Row = { x: number; y: number; run: string };
const rows = (run: string, points: { shape: readonly number[]; values: ArrayLike<number> }): Row[] => {
  const { values } = plane.project({ shape: [...points.shape], values: Float32Array.from(points.values) });
  return Array.from({ length: points.shape[0]! }, (_, i) => ({
    run,
    x: values[2 * i]!,
    y: values[2 * i + 1]!,
  }));
};
/** Tangents have norm 1: the share of their squared norm is the mean of the probes' shares. */
const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const curves = records.map(({ name, probes }) =>
  probes.map(({ step, parallel }) => ({
    run: name,
    step,
    share: mean(parallel.filter(Number.isFinite)),
  })),
);

const range =
  1.15 *
  Math.max(
    ...rows("", { shape: [400, dim], values: reference }).flatMap(({ x, y }) => [Math.abs(x), Math.abs(y)]),
  );
const color = {
  field: "run",
  type: "nominal",
  scale: { domain: ["pixel loss", "MFD"], range: [...viz.runColors(["pixel", "MFD"])] },
  legend: null,
};
const scale = { domain: [-range, range], nice: false };
const position = (field: string) => ({ field, type: "quantitative", axis: null, scale });

/** One moment of training: the share on the left, the samples of both beside it. */
function moment(i: number): viz.VegaLiteSpec {
  const samples = records.map(({ name, samples }) => ({
    title: { text: `${name}: samples in one step`, fontSize: 12 },
    width: 170,
    height: 170,
    layer: [
      {
        data: { values: rows(name, { shape: [400, dim], values: reference }) },
        mark: { type: "circle", color: "#bbbbbb", size: 8, opacity: 0.6 },
        encoding: { x: position("x"), y: position("y") },
      },
      {
        data: { values: rows(name, samples[i]!.samples) },
        mark: { type: "circle", size: 14, clip: true, opacity: 0.8 },
        encoding: { x: position("x"), y: position("y"), color },
      },
    ],
  }));
  const points = curves.flatMap((curve) => curve.slice(0, i + 1));
  const share = {
    title: { text: "Share of the push along the curve", fontSize: 12 },
    width: 230,
    height: 170,
    data: { values: points },
    encoding: {
      x: {
        field: "step",
        type: "quantitative",
        scale: { domain: [0, steps] },
        axis: { grid: false, tickCount: 4 },
      },
      y: {
        field: "share",
        type: "quantitative",
        scale: { domain: [0, 1] },
        axis: { format: "%", title: null, tickCount: 5 },
      },
      color,
    },
    layer: [
      { mark: { type: "line", strokeWidth: 2.5 } },
      {
        transform: [{ filter: `datum.step === ${curves[0]![i]!.step}` }],
        mark: { type: "text", align: "left", dx: 4, dy: -8, fontWeight: "bold", clip: false },
        encoding: { text: { field: "run" } },
      },
    ],
  };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    hconcat: [share, ...samples],
    spacing: 24,
    background: "white",
    padding: { left: 8, top: 8, bottom: 8, right: 24 },
  };
}

const gif = GIFEncoder();
const count = Math.min(
  ...curves.map((curve) => curve.length),
  ...records.map((record) => record.samples.length),
);
for (let i = 0; i < count; i++) {
  const png = PNG.sync.read(Buffer.from(await viz.toPNG(moment(i))));
  const palette = quantize(png.data, 64);
  const delay = i === 0 || i === count - 1 ? 2000 : 150;
  gif.writeFrame(applyPalette(png.data, palette), png.width, png.height, { palette, delay });
  if (process.env.FRAMES) await writeFileAtomically(`${process.env.FRAMES}/${i}.png`, PNG.sync.write(png));
}
gif.finish();
const out = process.argv[2] ?? "docs/training.gif";
await writeFileAtomically(out, gif.bytes());
console.log(`${out}: ${count} frames, ${(gif.bytes().length / 1e6).toFixed(2)} MB`);
