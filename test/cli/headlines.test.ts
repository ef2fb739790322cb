import { test } from "uvu";
import * as assert from "uvu/assert";
import { headlines } from "../../src/experiments/compare.js";
import type { ComparisonRecord } from "../../src/experiments/compare-record.js";
import type { ProbesRecord, RunRecord } from "../../src/loop/record.js";

const none = { shape: [0], values: [] };

function run(name: string, shares: number[], distances: number[]): RunRecord {
  const probes = shares.map(
    (share, i): ProbesRecord => ({
      step: 10 * i,
      outputs: none,
      tangents: none,
      normal: [],
      distance: [],
      parallel: [share],
      cosine: null,
    }),
  );
  return {
    name,
    kind: "consistency",
    dataset: "digits",
    shape: [2],
    settings: {},
    engine: "cpu",
    parameters: 1,
    seconds: 1,
    losses: [],
    samples: [],
    probes,
    curve: distances.map((frechet, i) => ({ step: 10 * i, metrics: { slicedWasserstein: 9, frechet } })),
    probeSet: { times: [1], clean: none, noisy: none, tangentSpace: "exact", chance: 0.5 },
  };
}

const comparison = (runs: RunRecord[]): ComparisonRecord => ({
  dataset: "digits",
  shape: [2],
  manifoldDim: 1,
  reference: none,
  preparation: [],
  runs,
});

test("the steps are those to the first run's final distance, between recordings, or none", () => {
  const [along, steps, quality] = headlines([
    comparison([
      run("pixel", [0.1, 0.3], [4, 2, 1]),
      run("MFD", [0.5, 0.01234], [4, 3, 1.5]),
      run("pixel + MFD", [0.5, 0.2], [4, 2, 0]),
    ]),
  ]);
  assert.is(along!.value, "pixel 0.3, MFD 0.0123, pixel + MFD 0.2");
  assert.is(steps!.label, "steps to pixel's final Fréchet distance, digits");
  assert.is(steps!.value, "pixel 20, MFD not within 20, pixel + MFD 15");
  assert.is(quality!.value, "pixel 1, MFD 1.5, pixel + MFD 0");
});

test("without an improvement, or with a run that diverged, there are no steps to it", () => {
  for (const end of [4, Number.NaN]) {
    const [, steps, quality] = headlines([
      comparison([run("pixel", [0.1], [4, end]), run("MFD", [0.1], [4, 3])]),
    ]);
    assert.is(steps!.value, "none: pixel ended no better than it started");
    assert.is(quality!.value, `pixel ${end}, MFD 3`);
  }
});

test.run();
