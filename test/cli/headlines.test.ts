import { test } from "uvu";
import * as assert from "uvu/assert";
import { headlines } from "../../src/cli/compare.js";
import type { ComparisonRecord, ProbesRecord, RunRecord } from "../../src/training/record.js";

const none = { shape: [0], values: [] };

function run(name: string, cosines: (number | null)[]): RunRecord {
  const probes = cosines.map(
    (cosine, i): ProbesRecord => ({
      ...{ step: 10 * i, outputs: none, tangents: none, normal: [], distance: [] },
      parallel: [i / 10],
      cosine: cosine === null ? null : [cosine],
    }),
  );
  return {
    ...{ name, kind: "consistency", dataset: "digits", shape: [2], settings: {}, engine: "cpu" },
    ...{ parameters: 1, seconds: 1, losses: [], samples: [], probes },
    curve: [{ step: 30, metrics: { slicedWasserstein: 0.25 } }],
    probeSet: { times: [1], clean: none, noisy: none, tangentSpace: "exact", chance: 0.5 },
  };
}

test("the direction kept is that of the second half of training, not of its end, where nothing moves any more", () => {
  const runs = [run("pixel", [null, 0.1, 0.4, 1]), run("MFD", [null, -1, 0.2, 1])];
  const comparison: ComparisonRecord = {
    ...{ dataset: "digits", shape: [2], manifoldDim: 1, reference: none, preparation: [], runs },
  };
  const [along, kept, quality] = headlines([comparison]);
  assert.is(kept!.value, "pixel 0.7, MFD 0.6");
  assert.is(along!.value, "pixel 0.3, MFD 0.3");
  assert.is(quality!.value, "pixel 0.25, MFD 0.25");
});

test.run();
