import { test } from "uvu";
import * as assert from "uvu/assert";
import { ectPairs } from "../../src/consistency/index.js";
import { karrasSigmas } from "../../src/diffusion/index.js";
import { close, readJson } from "./fixtures.js";

const reference = readJson<{
  t: number[];
  t_to_r: Record<string, Record<string, number[]>>;
  karras: Record<string, number[]>;
}>("schedules.json");

for (const [name, byIteration] of Object.entries(reference.t_to_r)) {
  const settings = Object.fromEntries(name.split(",").map((part) => part.split("=")));
  // The constant adjustment is a widening of 1 at all times: k = 0.
  const k = settings.adjust === "const" ? 0 : Number(settings.k);
  test(`pairs with ${name}`, () => {
    const pairs = ectPairs({
      iterations: Number(settings.iterations),
      stages: Number(settings.stages),
      q: Number(settings.q),
      k,
      b: Number(settings.b),
    });
    assert.ok(Object.keys(byIteration).length > 0);
    for (const [iteration, expected] of Object.entries(byIteration)) {
      close(
        reference.t.map((t) => pairs(t, Number(iteration))),
        expected,
        1e-4,
        `r at iteration ${iteration}`,
      );
    }
  });
}

test("Karras levels", () => {
  for (const [name, rising] of Object.entries(reference.karras)) {
    const [steps, max] = name.split(",").map(Number) as [number, number];
    if (steps === 1) continue; // one level leaves no room for both ends
    close(karrasSigmas({ steps, max }).reverse(), rising, 1e-4, name);
  }
});

test.run();
