import {
  attributeAgreement,
  autocorrelation,
  compare,
  directionChange,
  directionPerProbe,
  editStrips,
  featureResponse,
  fourRows,
  gradientNoise,
  levelSets,
  logitsMatrices,
  metricAgainstBatchSize,
  metricCurves,
  orthographic,
  oscillationMap,
  type Points,
  parallelShare,
  pictureRows,
  type Recorded,
  sampleGrids,
  sampleScatter,
  samples,
  scatter,
  tangentExplorer,
  tangentField,
  timeSchedule,
  tokenAttention,
  trajectories,
  type VegaLiteSpec,
} from "../../../viz/index.js";
import { circle, circleField, disc, falling, images, minus, normal, points, swissRoll } from "./data.js";

/** Every chart once, by file name. */
export const gallery: Record<string, () => VegaLiteSpec | Promise<VegaLiteSpec>> = {
  "metric-curves": () =>
    metricCurves({
      metric: "sliced Wasserstein distance",
      curves: [
        { name: "pixel", seed: 1, end: 0.05 },
        { name: "MFD", seed: 2, end: 0.03 },
      ].map(({ name, seed, end }) => {
        const values = falling(seed, 40, 0.5, end);
        return {
          name,
          steps: values.map((_, i) => 250 * i),
          values,
          low: values.map((value) => 0.85 * value),
          high: values.map((value) => 1.15 * value),
        };
      }),
      yScale: "log",
      caption: ["Line: mean over seeds; band: its 95% interval."],
    }),
  "batch-size": () =>
    metricAgainstBatchSize({
      metric: "Fréchet distance",
      runs: [
        { name: "pixel", means: [5.2, 4.4, 3.8, 3.3] },
        { name: "MFD", means: [3.6, 3.2, 2.8, 2.6] },
      ].map(({ name, means }, k) => ({
        name,
        points: means.map((mean, i) => {
          const values = [...normal(10 * k + i, 3)].map((draw) => mean + 0.15 * draw);
          return { batchSize: [8, 16, 32, 128][i]!, mean, low: mean - 0.4, high: mean + 0.4, values };
        }),
      })),
    }),
  "gradient-noise": () =>
    gradientNoise({
      batchSize: 16,
      runs: [
        { name: "pixel", end: 1500 },
        { name: "MFD", end: 250 },
        { name: "pixel + MFD", end: 450 },
      ].map(({ name, end }, k) => ({
        name,
        points: [...normal(300 + k, 9)].map((draw, i) => {
          const estimate = 12 * (end / 12) ** (i / 8) * Math.exp(0.15 * draw);
          const half = estimate * (0.15 + 0.04 * i);
          return { step: 2500 * i, scale: { estimate, low: estimate - half, high: estimate + half } };
        }),
      })),
    }),
  "parallel-share": () =>
    parallelShare({
      runs: [
        { name: "pixel", end: 0.7 },
        { name: "MFD", end: 0.15 },
      ].map(({ name, end }, k) => {
        const seed = (s: number) =>
          steps(20).map((step, i) => ({
            step,
            values: [...normal(100 * k + 10 * s + i, 8)].map((draw) =>
              Math.min(1, Math.max(0, 0.3 + ((end - 0.3) * i) / 19 + 0.03 * draw + 0.04 * (s - 1))),
            ),
          }));
        return { name, recordings: seed(0), otherSeeds: [seed(1), seed(2)] };
      }),
      chance: 0.5,
    }),
  "direction-change": () => directionChange({ runs: directions(30) }),
  "direction-per-probe": () => directionPerProbe({ runs: directions(30) }),
  "oscillation-map": () => oscillationMap({ runs: directions(60) }),
  autocorrelation: () =>
    autocorrelation({
      runs: [
        { name: "pixel", keep: 0.6 },
        { name: "MFD", keep: 0.93 },
      ].map(({ name, keep }, k) => ({ name, tangents: remembered(k, keep) })),
      interval: 100,
    }),
  "time-schedule": () =>
    timeSchedule({
      stages: [0, 2000, 4000, 8000].map((step, stage) => {
        const t = Array.from({ length: 60 }, (_, i) => Math.exp(-4 + (8.4 * i) / 59));
        const gap = 1 / 2 ** stage;
        return {
          step,
          t,
          r: t.map((value) => Math.max(0, value * (1 - gap * (1 + 8 / (1 + Math.exp(value)))))),
        };
      }),
    }),
  "tangent-field": () =>
    tangentField({
      data: points(circle(200)),
      runs: [
        { name: "pixel", ...circleField(1, 40, 0.85) },
        { name: "MFD", ...circleField(1, 40, 0.1) },
      ].map((run) => ({
        ...run,
        values: Array.from({ length: 40 }, (_, i) =>
          Math.abs(Math.hypot(run.outputs.values[2 * i]!, run.outputs.values[2 * i + 1]!) - 1),
        ),
      })),
      valueTitle: "distance to the manifold",
    }),
  "tangent-field-3d": () => {
    const data = swissRoll(1000);
    const outputs = { shape: [60, 3], values: Array.from(data.values).slice(0, 180) };
    return tangentField({
      data,
      runs: [
        { name: "pixel", outputs, tangents: { shape: [60, 3], values: normal(3, 180) } },
        { name: "MFD", outputs, tangents: { shape: [60, 3], values: normal(4, 180).map((v) => v / 2) } },
      ],
      projection: orthographic({ azimuth: 60, elevation: 60 }),
    });
  },
  "tangent-field-umap": () => {
    // Discs at places of the picture: a two-dimensional manifold of images. Along it a disc moves, across it noise is added.
    const at = Array.from({ length: 150 }, (_, i) => [4 + 8 * ((i * 0.618) % 1), 4 + (8 * i) / 149] as const);
    const some = at.filter((_, i) => i % 6 === 0);
    const field = (along: number, across: number) => ({
      outputs: images(some.map(([x, y]) => disc(x, y, 3))),
      tangents: images(
        some.map(([x, y], i) => {
          const moved = minus(disc(x + 0.3, y + 0.3, 3), disc(x, y, 3));
          const noise = normal(50 + i, 256);
          return moved.map((value, k) => along * value + across * noise[k]!);
        }),
      ),
    });
    return tangentField({
      data: images(at.map(([x, y]) => disc(x, y, 3))),
      runs: [
        { name: "pixel", ...field(1, 0.02) },
        { name: "MFD", ...field(0.05, 0.1) },
      ],
    });
  },
  "tangent-field-features": () => {
    // Features that see what leaves the circle, and little of where on it a point is.
    const phi = (x: number, y: number): number[] => {
      const radius = Math.hypot(x, y);
      return [3 * (radius - 1), (radius - 1) ** 2, (0.4 * x) / radius, (0.4 * y) / radius];
    };
    const features = ({ shape, values }: Points): number[][] =>
      Array.from({ length: shape[0]! }, (_, i) => phi(values[2 * i]!, values[2 * i + 1]!));
    return tangentField({
      data: points(features(points(circle(200)))),
      runs: [
        { name: "pixel", ...circleField(1, 40, 0.85) },
        { name: "MFD", ...circleField(1, 40, 0.1) },
      ].map(({ name, outputs, tangents, parallel }) => {
        const step = 1e-3;
        const ahead = points(
          features({
            shape: outputs.shape,
            values: Array.from(outputs.values, (value, i) => value + step * tangents.values[i]!),
          }),
        );
        const here = points(features(outputs));
        const along = Array.from(ahead.values, (value, i) => (value - here.values[i]!) / step);
        return { name, outputs: here, tangents: { shape: here.shape, values: along }, parallel };
      }),
      space: "features",
    });
  },
  "tangent-explorer": () =>
    tangentExplorer({
      data: points(circle(200)),
      runs: [
        { name: "pixel", end: 0.8 },
        { name: "MFD", end: 0.15 },
      ].map(({ name, end }) => ({
        name,
        frames: steps(12).map((step, i) => {
          const { outputs, tangents, parallel } = circleField(i, 30, 0.4 + ((end - 0.4) * i) / 11);
          return { step, outputs, tangents, values: parallel };
        }),
      })),
    }),
  trajectories: () =>
    trajectories({
      data: points(circle(200)),
      runs: [
        { name: "pixel", swing: 0.35 },
        { name: "MFD", swing: 0.03 },
      ].map(({ name, swing }) => ({
        name,
        frames: steps(40).map((step, i) => ({
          step,
          outputs: points(
            Array.from({ length: 5 }, (_, probe) => {
              const angle = (2 * Math.PI * probe) / 5 + swing * Math.sin(1.3 * i + probe);
              const radius = 1 - 0.7 * Math.exp(-i / 10);
              return [radius * Math.cos(angle), radius * Math.sin(angle)];
            }),
          ),
        })),
      })),
    }),
  "level-sets": () => {
    const axis = Array.from({ length: 61 }, (_, i) => -1.6 + (3.2 * i) / 60);
    const at = circle(14, 1.35).concat(circle(8, 0.55));
    const pixel = (x: number, y: number): number => Math.hypot(x - 1, y);
    const feature = (x: number, y: number): number => Math.abs(Math.hypot(x, y) - 1);
    const downhill = (f: (x: number, y: number) => number): number[][] =>
      at.map(([x, y]) => {
        const h = 1e-4;
        return [(f(x! - h, y!) - f(x! + h, y!)) / (2 * h), (f(x!, y! - h) - f(x!, y! + h)) / (2 * h)];
      });
    return levelSets({
      xs: axis,
      ys: axis,
      data: points(circle(200)),
      slices: [
        { name: "distance in pixels", f: pixel },
        { name: "distance of features", f: feature },
      ].map(({ name, f }) => ({
        name,
        values: axis.flatMap((y) => axis.map((x) => f(x, y))),
        arrows: { at: points(at), along: points(downhill(f)) },
      })),
      arrowTitle: "where the distance falls",
    });
  },
  "feature-response": () =>
    featureResponse({
      xTitle: "distance in pixels",
      caption: ["Line: mean over examples; band: their middle half."],
      responses: [
        { name: "noise", slope: 1 },
        { name: "blur", slope: 0.7 },
        { name: "shift", slope: 0.15 },
        { name: "rotation", slope: 0.1 },
      ].map(({ name, slope }) => {
        const sizes = [0, 0.5, 1, 2, 4, 8];
        const values = sizes.map((size) => slope * size ** 0.8);
        return {
          name,
          sizes,
          values,
          low: values.map((value) => 0.8 * value),
          high: values.map((value) => 1.2 * value),
        };
      }),
    }),
  "four-rows": () => {
    const times = [0.01, 0.1, 0.5, 2, 10, 80];
    const output = (t: number): number[] => disc(8 + 0.5 * Math.log1p(t), 7, 4 + 0.3 * Math.log1p(t));
    return fourRows({
      times,
      noisy: images(times.map((t, i) => [...normal(i, 256)].map((draw, k) => disc(8, 7, 4)[k]! + t * draw))),
      outputs: images(times.map(output)),
      pixel: images(times.map((t) => minus(disc(8.4 + 0.5 * Math.log1p(t), 7.3, 4), output(t)))),
      mfd: images(
        times.map((t, i) => {
          const texture = normal(20 + i, 256);
          return output(t).map((value, k) => (1 - value ** 2) * texture[k]!);
        }),
      ),
    });
  },
  "sample-grids": () =>
    sampleGrids({
      runs: ["pixel", "MFD"].map((name, k) => ({
        name,
        frames: [0, 1000, 4000].map((step, j) => ({
          step,
          samples: images(
            Array.from({ length: 16 }, (_, i) => {
              const noise = normal(100 * k + 16 * j + i, 256);
              return disc(5 + (i % 4), 5 + Math.floor(i / 4), 3).map(
                (v, p) => v + (0.7 / (1 + 3 * j)) * noise[p]!,
              );
            }),
          ),
        })),
      })),
      reference: images(Array.from({ length: 16 }, (_, i) => disc(5 + (i % 4), 5 + Math.floor(i / 4), 3))),
    }),
  "sample-scatter": () =>
    sampleScatter({
      runs: ["pixel", "MFD"].map((name, k) => ({
        name,
        frames: [0, 1000, 4000].map((step, j) => ({
          step,
          samples: points(
            circle(150).map(([x, y], i) => {
              const noise = normal(1000 * k + 300 * j + i, 2);
              const size = 0.5 / (1 + 4 * j);
              return [x! + size * noise[0]!, y! + size * noise[1]!];
            }),
          ),
        })),
      })),
      reference: points(circle(300)),
    }),
  scatter: () =>
    scatter({
      ...noisyCircles(),
      title: "The circle under more and more noise",
    }),
  "scatter-slider": () =>
    scatter({
      ...noisyCircles(),
      slider: "noise level",
      title: "The circle under more and more noise",
    }),
  "samples-pictures": () => samples({ pixel: recordedRun("pixel", 1), MFD: recordedRun("MFD", 2) }),
  "samples-one": () => samples(recordedRun("MFD", 2)),
  "samples-points": () =>
    samples([recordedRun("pixel", 1, true), recordedRun("MFD", 2, true)], { reference: points(circle(300)) }),
  compare: () => compare({ pixel: recordedRun("pixel", 1), MFD: recordedRun("MFD", 2) }),
  "compare-points": () =>
    compare([
      recordedRun("pixel", 1, true),
      recordedRun("MFD", 2, true),
      recordedRun("pixel + MFD", 3, true),
    ]),
  "compare-one": () => compare({ ...recordedRun("denoiser", 3), probes: [], probeSet: null }),
  "logits-matrices": () =>
    logitsMatrices({
      count: 12,
      captions: Array.from(
        { length: 12 },
        (_, i) => `${["red", "green", "blue"][i % 3]} ${["square", "disc", "ring", "cross"][i % 4]}`,
      ),
      panels: [
        { name: "before", logits: logits(1, 12, 1) },
        { name: "after", logits: logits(2, 12, 4) },
      ],
    }),
  "attribute-agreement": () =>
    attributeAgreement({
      arms: [
        { name: "frozen", means: [0.91, 0.82, 0.64, 0.71] },
        { name: "soft tokens", means: [0.94, 0.9, 0.78, 0.8] },
      ].map(({ name, means }) => ({
        name,
        attributes: means.map((mean, i) => ({
          attribute: ["colour", "shape", "size", "position"][i]!,
          mean,
          low: mean - 0.05,
          high: mean + 0.05,
        })),
      })),
      ceiling: { colour: 1, shape: 0.99, size: 0.97, position: 0.98 },
    }),
  "token-attention": () =>
    tokenAttention({
      times: [0.05, 0.2, 0.4, 0.6, 0.8, 0.95],
      layers: [0, 1, 2, 3, 4].map((layer) =>
        [0.05, 0.2, 0.4, 0.6, 0.8, 0.95].map((t) => 0.3 * Math.exp(-layer / 2) * (0.3 + t)),
      ),
      tokens: { soft: 4, all: 84 },
    }),
  "picture-rows": () =>
    pictureRows({
      title: "A disc moved, and grown",
      columnTitle: "size of the transformation",
      columns: ["0", "1", "2", "3"],
      rows: [
        { label: "shift", images: images([0, 1, 2, 3].map((i) => disc(6 + i, 8, 3))) },
        { label: "scale", images: images([0, 1, 2, 3].map((i) => disc(8, 8, 3 + i))) },
      ],
    }),
  "edit-strips": () =>
    editStrips({
      title: "Shift the disc to the right: with soft tokens the rest stays",
      strips: ["frozen", "soft tokens"].map((label, k) => ({
        label,
        frames: images(
          Array.from({ length: 7 }, (_, i) => disc(5 + i, 8 - (1 - k) * 0.4 * i, 3 - (1 - k) * 0.1 * i)),
        ),
      })),
    }),
};

/** A run as training records it: of pictures of discs, or of points of the circle. */
function recordedRun(name: string, seed: number, plane = false): Extract<Recorded, { kind: string }> {
  const shape = plane ? [2] : [16, 16, 1];
  const record = ({ shape, values }: Points) => ({ shape: [...shape], values: Array.from(values) });
  const size = 0.3 / seed;
  const drawn = plane
    ? points(circle(150).map((at, i) => at.map((x, j) => x + size * normal(3000 + seed, 300)[2 * i + j]!)))
    : images(
        Array.from({ length: 16 }, (_, i) => {
          const noise = normal(3000 + 16 * seed + i, 256);
          return disc(5 + (i % 4), 5 + Math.floor(i / 4), 3).map((v, p) => v + size * noise[p]!);
        }),
      );
  const field = circleField(seed, 12, 0.8 / seed);
  const clean = record(points(circle(12)));
  return {
    ...{ name, kind: "consistency", dataset: "discs", shape, settings: { steps: 4000 }, engine: "onnx" },
    ...{ parameters: 31683, seconds: 41 + 13 * seed },
    losses: [{ step: 4000, metrics: { loss: 0.1 } }],
    curve: falling(seed, 11, 0.5, 0.06 / seed).map((value, i) => ({
      step: 400 * i,
      metrics: { slicedWasserstein: value },
    })),
    samples: [{ step: 4000, samples: record(drawn) }],
    probeSet: {
      times: clean.values.slice(0, 12).map(() => 0.5),
      ...{
        clean,
        noisy: clean,
        data: plane ? record(points(circle(200))) : clean,
        tangentSpace: "exact",
        chance: 0.5,
      },
    },
    probes: steps(12).map((step, i) => ({
      step: 2 * step,
      outputs: record(field.outputs),
      tangents: record(field.tangents),
      parallel: field.parallel.map((share) => share * (0.6 + 0.03 * i)),
      ...{ normal: field.parallel, cosine: null, distance: field.parallel },
    })),
  };
}

/** A circle under more and more noise, and as it is. */
const noisyCircles = () => ({
  panels: Object.fromEntries(
    [0.05, 0.2, 0.6].map((size, k) => {
      const noise = normal(2000 + k, 300);
      return [
        `t = ${size}`,
        points(circle(150).map((at, i) => at.map((x, j) => x + size * noise[2 * i + j]!))),
      ];
    }),
  ),
  reference: points(circle(300)),
});

const steps = (count: number): number[] => Array.from({ length: count }, (_, i) => 200 * i);

/** Direction changes that grow worse over training for middle t under the pixel loss, and stay well under MFD. */
function directions(recordings: number) {
  const times = Array.from({ length: 24 }, (_, i) => Math.exp(-4 + (8.4 * i) / 23));
  return [
    { name: "pixel", depth: 1.5 },
    { name: "MFD", depth: 0.4 },
  ].map(({ name, depth }, k) => ({
    name,
    times,
    recordings: steps(recordings).map((step, j) => {
      const draws = normal(1000 * k + j, times.length);
      const values = times.map((t, i) => {
        const middle = Math.exp(-(Math.log(t) ** 2) / 3);
        return Math.max(-1, Math.min(1, 0.85 - depth * middle * (j / recordings) + 0.12 * draws[i]!));
      });
      return { step, values: j === 0 ? null : values };
    }),
  }));
}

/** Tangents of 12 probes that keep a share of themselves from recording to recording. */
function remembered(seed: number, keep: number) {
  let state = normal(seed, 96);
  return Array.from({ length: 40 }, (_, j) => {
    const fresh = normal(1000 + 100 * seed + j, 96);
    state = state.map((value, i) => keep * value + Math.sqrt(1 - keep ** 2) * fresh[i]!);
    return { shape: [12, 8], values: state };
  });
}

const logits = (seed: number, count: number, diagonal: number): number[] =>
  [...normal(seed, count * count)].map((draw, i) => draw + (i % (count + 1) === 0 ? diagonal : 0));
