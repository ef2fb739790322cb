import * as random from "../../src/engine/random.js";
import type { ComparisonRecord, ReportData } from "../../src/experiments/compare-record.js";
import type { ArrayRecord, RunRecord } from "../../src/loop/record.js";

/** A small experiment's record made of random numbers: points in four dimensions and 8x8 images, with hostile text. */
export function reportData(): ReportData {
  return {
    title: "Pixel loss against <MFD> & co",
    date: "2025-01-02T03:04:05.678Z",
    comparisons: [comparison("spiral-4d", [4], 1), comparison("digits <b>", [8, 8, 1], null)],
    headlines: [
      { label: "parallel share", value: "0.48 -> 0.12", detail: 'on "spiral" <script>alert(1)</script>' },
      { label: "cosine", value: "0.93", detail: "between recordings" },
      { label: "distance", value: "0.1", detail: "after 300 steps" },
    ],
    more: { text: "One <seed>.", link: "A study's report", href: 'study/"index".html' },
    settings: { quick: true, seed: 0, nested: { steps: [1, 2] }, text: "</script><script>alert(2)</script>" },
    machine: { cpu: "a <i>cpu</i>", cores: "2" },
    versions: { "tangent-lab": "0.1.0" },
    seconds: 83.2,
  };
}

const steps = [0, 100, 200, 300];

function comparison(dataset: string, shape: number[], manifoldDim: number | null): ComparisonRecord {
  return {
    dataset,
    shape,
    manifoldDim,
    reference: noise(1, [60, ...shape]),
    preparation: [{ ...run("denoiser", 2, shape), samples: [], probes: [], probeSet: null, curve: [] }],
    runs: [run("pixel", 3, shape), run("MFD", 4, shape), run("pixel + MFD", 5, shape)],
  };
}

function run(name: string, seed: number, shape: number[]): RunRecord {
  const probes = 6;
  const shares = (step: number): number[] =>
    Array.from(random.uniform(random.key(seed * 1000 + step), probes));
  return {
    name,
    kind: "consistency",
    dataset: "",
    shape,
    settings: { steps: 300, batchSize: 16, seed, objective: name },
    engine: "cpu",
    parameters: 1234,
    seconds: 12.3,
    losses: steps.map((step) => ({ step, metrics: { loss: 2 ** (-step / 50) } })),
    curve: steps.map((step) => ({ step, metrics: { slicedWasserstein: 1 / (1 + step), mmd: 0.1 } })),
    samples: steps.map((step) => ({ step, samples: noise(seed + step, [16, ...shape]) })),
    probeSet: {
      times: Array.from({ length: probes }, (_, i) => 0.1 * 2 ** i),
      clean: noise(seed, [probes, ...shape]),
      noisy: noise(seed, [probes, ...shape]),
      tangentSpace: manifoldDimName(shape),
      chance: 0.25,
    },
    probes: steps.map((step) => ({
      step,
      outputs: noise(seed + step + 1, [probes, ...shape]),
      tangents: noise(seed + step + 2, [probes, ...shape]),
      parallel: shares(step),
      normal: shares(step).map((share) => 1 - share),
      cosine: step === 0 ? null : shares(step + 1),
      distance: shares(step + 2),
    })),
  };
}

const manifoldDimName = (shape: number[]): "exact" | "local-pca" =>
  shape.length === 1 ? "exact" : "local-pca";

function noise(seed: number, shape: number[]): ArrayRecord {
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Array.from(random.normal(random.key(seed), size), (value) => value / 2) };
}
