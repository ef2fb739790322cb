import { test } from "uvu";
import * as assert from "uvu/assert";
import { chartBundle, vegaLiteMime } from "../../viz/display/bundle.js";
import { live, RunState } from "../../viz/display/live.js";
import { clock, type ProgressEvent, ProgressTracker, secondsLeft } from "../../viz/display/progress.js";
import { summary } from "../../viz/display/summary.js";
import { notebookView } from "../../viz/display/views.js";
import { metricCurves } from "../../viz/index.js";

const chart = metricCurves({
  metric: "loss",
  title: "How it went",
  curves: [{ name: "pixel", steps: [1, 2], values: [2, 1] }],
});

/** Keeps what is printed while `body` runs, as where the output is no terminal. */
async function silently(body: () => Promise<void>): Promise<string> {
  const { log } = console;
  const { isTTY } = process.stderr;
  process.stderr.isTTY = false;
  const lines: unknown[] = [];
  console.log = (line: unknown) => void lines.push(line);
  try {
    await body();
  } finally {
    console.log = log;
    process.stderr.isTTY = isTTY;
  }
  return lines.join("\n");
}

test("a chart's text names its title, its axes and how much data it shows", () => {
  assert.is(summary(chart), "Chart: How it went\n  loss against training step; 2 data rows");
});

test("a chart's bundle never has HTML, and a picture only where it was drawn", () => {
  assert.equal(Object.keys(chartBundle(chart).data), ["application/vnd.vegalite.v5+json", "text/plain"]);
});

test("the rate leaves out the first event, which contains the compilation", () => {
  const tracker = new ProgressTracker("pixel", "loss");
  tracker.add({ step: 1, total: 101, metrics: { loss: 3 } }, 5);
  assert.is(tracker.progress.rate, undefined);
  for (let step = 2; step <= 51; step++) tracker.add({ step, total: 101, metrics: { loss: 2 } }, 0.01);
  assert.ok(Math.abs(tracker.progress.rate! - 100) < 1e-6);
  assert.ok(Math.abs(secondsLeft([tracker.progress])! - 0.5) < 1e-6);
  assert.ok(Math.abs(secondsLeft([tracker.progress, tracker.progress])! - 1) < 1e-6);
});

test("times are written as clocks", () => {
  assert.equal([0, 7.4, 61, 3599.6, 3900].map(clock), ["0:00", "0:07", "1:01", "1:00:00", "1:05:00"]);
});

test("runs take turns, and live resolves to what each returned", async () => {
  const turns: string[] = [];
  async function* run(name: string, total: number) {
    for (let step = 1; step <= total; step++) {
      turns.push(name);
      yield { step, total, metrics: { loss: 1 / step } };
    }
    return `${name} after ${total}`;
  }
  const printed = await silently(async () => {
    const results = await live({ a: run("a", 2), b: run("b", 3) });
    assert.equal(results, { a: "a after 2", b: "b after 3" });
  });
  assert.equal(turns, ["a", "b", "a", "b", "b"]);
  assert.match(printed, /a {2}2\/2 .*loss 0\.5\nb {2}3\/3 .*loss 0\.3333\ndone/);
});

test("when a run fails the others are closed, the error comes through and the signal handlers are as before", async () => {
  let closed = false;
  async function* good() {
    try {
      for (let step = 1; ; step++) yield { step, metrics: {} };
    } finally {
      closed = true;
    }
  }
  // biome-ignore lint/correctness/useYield: it fails before its first event
  async function* bad(): AsyncGenerator<{ step: number; metrics: Record<string, number> }, void> {
    throw new Error("not finite");
  }
  const handlers = process.rawListeners("SIGINT");
  await silently(async () => {
    try {
      await live({ good: good(), bad: bad() });
      assert.unreachable();
    } catch (error) {
      assert.is((error as Error).message, "not finite");
    }
  });
  assert.ok(closed);
  assert.equal(process.rawListeners("SIGINT"), handlers);
});

test("an interrupt stops the runs in order and gives back what they return then", async () => {
  const handlers = process.rawListeners("SIGINT");
  const run = {
    step: 0,
    async next(): Promise<IteratorYieldResult<ProgressEvent>> {
      this.step++;
      if (this.step === 5) process.kill(process.pid, "SIGINT");
      return { done: false, value: { step: this.step, metrics: { loss: 1 } } };
    },
    async return(): Promise<IteratorReturnResult<{ steps: number }>> {
      return { done: true, value: { steps: this.step } };
    },
    [Symbol.asyncIterator](): AsyncIterator<ProgressEvent, { steps: number }> {
      return this;
    },
  };
  const printed = await silently(async () => {
    const { run: result } = await live({ run });
    assert.ok(result.steps >= 5 && result.steps < 1000, String(result.steps));
  });
  assert.match(printed, /stopped$/);
  assert.equal(process.rawListeners("SIGINT"), handlers);
});

test("in a notebook the chart waits for its first value and is redrawn rarely, with few points; it names the metric in words", () => {
  const outputs: Record<string, unknown>[] = [];
  const add = ({ data }: { data: Record<string, unknown> }): void => void outputs.push(data);
  const displayUpdatable = (first: { data: Record<string, unknown> }): typeof add => {
    add(first);
    return add;
  };
  const view = notebookView({ display: add, displayUpdatable }, "log", 60_000);
  const steps = Array.from({ length: 5000 }, (_, i) => i + 1);
  const snapshot = (count: number) => ({
    metric: "manifoldDistance",
    runs: [{ name: "pixel", step: count, total: 5000, value: undefined, rate: undefined, done: false }],
    histories: [{ name: "pixel", steps: steps.slice(0, count), values: steps.slice(0, count) }],
    interrupted: false,
  });
  for (const count of [0, 0, 5000, 5000, 5000]) view.update(snapshot(count));
  const charts = outputs.filter((data) => vegaLiteMime in data);
  assert.is(charts.length, 1);
  assert.match(String(charts[0]!["text/plain"]), /distance to the manifold against training step/);
  assert.ok(JSON.stringify(charts[0]).length < 40_000);
  assert.is(outputs.length, 6);
});

test("of a study's runs the chart has a curve for each arm, of the seed that it was trained with last", () => {
  const outputs: Record<string, unknown>[] = [];
  const add = ({ data }: { data: Record<string, unknown> }): void => void outputs.push(data);
  const displayUpdatable = (first: { data: Record<string, unknown> }): typeof add => {
    add(first);
    return add;
  };
  const view = notebookView({ display: add, displayUpdatable }, "log", 0);
  const histories = ["squared", "pseudo-Huber"].map((name, i) => ({
    ...{ name, seed: 11 - i, steps: [1, 2], values: [2, 1] },
  }));
  view.update({ metric: "loss", runs: [], histories, interrupted: false });
  const spec = JSON.stringify(outputs.find((data) => vegaLiteMime in data));
  assert.match(spec, /squared: seed 11, pseudo-Huber: seed 10\./);
});

test("live follows a study: its runs begin at their own step 0 again", async () => {
  const event = (arm: string, seed: number, step: number, before: number) => ({
    ...{ step: before + step, total: 80, metrics: { loss: seed + step }, run: { arm, seed, step } },
  });
  async function* study(): AsyncGenerator<ReturnType<typeof event>, string> {
    let before = 0;
    for (const seed of [1, 2])
      for (const arm of ["a", "b"]) {
        for (const step of [10, 20]) yield event(arm, seed, step, before);
        before += 20;
      }
    return "found";
  }
  const state = new RunState("study", study(), "loss", false);
  while (!state.done) await state.advance();
  assert.equal(state.histories, [
    { name: "a", seed: 2, steps: [10, 20], values: [12, 22] },
    { name: "b", seed: 2, steps: [10, 20], values: [12, 22] },
  ]);
  const other = new RunState("study", study(), "loss", true);
  while (!other.done) await other.advance();
  assert.equal(
    other.histories.map(({ name }) => name),
    ["study: a", "study: b"],
  );
});

test("live names the argument that is no run", async () => {
  try {
    await live({ pixel: 3 as never });
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /invalid runs\.pixel; given: 3; allowed: an async iterator/);
  }
});

test.run();
