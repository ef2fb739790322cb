import { test } from "uvu";
import * as assert from "uvu/assert";
import { TangentLabError } from "../../src/errors.js";
import { parseJson } from "../../src/io/json.js";
import { addRow, probeMean, type RecordRow } from "../../src/loop/record.js";
import { rowSchema } from "../../src/loop/record-schema.js";
import { smallRun } from "./runs.js";

test("shares of tangents without a length come back from JSON as NaN", () => {
  const { record } = smallRun();
  const points = { shape: [2, 1], values: [1, 0] };
  const probes = {
    outputs: points,
    tangents: points,
    parallel: [0.25, Number.NaN],
    normal: [0.75, Number.NaN],
  };
  const row: RecordRow = { step: 3, probes: { ...probes, cosine: null, distance: [1, 2] } };
  addRow(record, JSON.parse(JSON.stringify(row)));
  assert.equal(record.probes, [{ step: 3, ...row.probes! }]);
});

test("numbers that were not finite come back from a checkpoint's rows as NaN", () => {
  const row = { step: 3, losses: { loss: Number.NaN }, curve: { frechet: 2 } };
  const read = parseJson(
    JSON.stringify(row),
    rowSchema,
    "a row",
    () => new TangentLabError("corrupt-file", ""),
  );
  assert.equal(read, row);
});

test("the mean over probes leaves tangents without a length out", () => {
  assert.is(probeMean([0.25, Number.NaN, 0.75]), 0.5);
  assert.is(probeMean([Number.NaN]), null);
});

test.run();
