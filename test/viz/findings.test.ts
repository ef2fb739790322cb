import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  attributeAgreement,
  directionChange,
  metricAgainstBatchSize,
  orthographic,
  type Points,
  tangentExplorer,
  tangentField,
  toSVG,
  type VegaLiteSpec,
} from "../../viz/index.js";
import { texts } from "./marks.js";

const title = (spec: VegaLiteSpec): string => (spec.title as { text: string[] }).text.join(" ");
const drawn = async (spec: VegaLiteSpec): Promise<string> => texts(await toSVG(spec)).replace(/\s+/g, " ");
const points = (...rows: number[][]): Points => ({
  shape: [rows.length, rows[0]!.length],
  values: rows.flat(),
});

test("batch sizes: what each run loses from the largest to the smallest, the best first", () => {
  const point = (batchSize: number, mean: number) => ({ batchSize, mean, low: null, high: null });
  const runs = [
    { name: "pixel", points: [point(4, 3), point(1024, 1)] },
    { name: "MFD", points: [point(4, 2), point(1024, 1.5)] },
  ];
  assert.is(
    title(metricAgainstBatchSize({ metric: "distance", runs })),
    "Distance from batches of 1,024 down to 4: MFD 1.5 to 2, pixel 1 to 3",
  );
});

test("single seeds are spoken of only where they are drawn", async () => {
  const attribute = { attribute: "colour", mean: 0.5, low: 0.4, high: 0.6 };
  const without = await drawn(attributeAgreement({ arms: [{ name: "a", attributes: [attribute] }] }));
  assert.match(without, "line: its 95% interval (Student's t).");
  const attributes = [{ ...attribute, values: [0.4, 0.6] }];
  assert.match(
    await drawn(attributeAgreement({ arms: [{ name: "a", attributes }] })),
    "strokes: single seeds",
  );
});

test("the explorer says how the mean over the probes changed, whatever recording is shown", () => {
  const frame = (step: number, ...values: number[]) => ({
    step,
    outputs: points([0, 0], [1, 1]),
    tangents: points([1, 0], [0, 1]),
    values,
  });
  const data = points([0, 0], [1, 1]);
  const frames = [frame(0, 0.2, 0.4), frame(500, 0.9, 0.9), frame(1000, 0.5, 0.7)];
  assert.is(
    title(tangentExplorer({ data, runs: [{ name: "pixel", frames }] })),
    "Mean parallel share from step 0 to 1,000: pixel 0.3 to 0.6",
  );
  assert.is(
    title(tangentExplorer({ data, runs: [{ name: "pixel", frames: [frames[0]!] }], valueTitle: "loss" })),
    "Mean loss: pixel 0.3",
  );
});

test("the direction change says which mean its title has, where the title is its own", async () => {
  const runs = [{ name: "a", recordings: [{ step: 1, values: [0.5] }] }];
  assert.match(await drawn(directionChange({ runs })), "In the title: mean over training.");
  assert.not.match(await drawn(directionChange({ runs, title: "mine" })), "In the title");
});

test("a view from a side says from which", async () => {
  const run = { name: "a", outputs: points([0, 0, 0]), tangents: points([1, 0, 0]) };
  const spec = tangentField({
    data: points([0, 0, 0], [1, 1, 1]),
    runs: [run],
    projection: orthographic({ azimuth: 20, elevation: 65 }),
  });
  assert.match(await drawn(spec), "Seen from azimuth 20°, elevation 65°: depth is lost");
});

test.run();
