import { test } from "uvu";
import * as assert from "uvu/assert";
import { faults, limits, soak } from "./soak.js";

test("a hundredth of the soak: nothing grows", async () => {
  const parts = await soak(0.01);
  assert.equal(
    parts.map(({ name }) => name),
    ["steps", "trainings", "shapes", "pictures"],
  );
  assert.equal(parts.flatMap(faults), []);
});

test("what grows is found", () => {
  const [none] = [{ memory: 0, tensors: 0, handles: 0, files: 0 }];
  const part = { name: "steps", count: 1, seconds: 1, before: none };
  assert.equal(faults({ ...part, growth: none }), []);
  assert.equal(faults({ ...part, growth: { ...none, tensors: 4 } }), ["steps: 4 more tensors, at most 0"]);
  assert.is(faults({ ...part, growth: { ...none, memory: limits.memory + 1, files: 1 } }).length, 2);
});

test.run();
