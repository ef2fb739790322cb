import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { OwnStudy } from "../../src/experiments/own-study.js";
import * as experiments from "../../src/experiments/public.js";
import { interval, pairedDifference, pairedRatio } from "../../src/experiments/statistics.js";
import type { RunRecord } from "../../src/loop/record.js";
import type { TrainingEvent } from "../../src/loop/run.js";
import { studyCurves, studyTable } from "../../viz/index.js";
import { rejection } from "../rejection.js";
import { noOptions, testWrongCalls } from "../wrong-calls.js";

const record = (name: string, values: readonly number[]): RunRecord => ({
  ...{ name, kind: "consistency", dataset: "circle", shape: [2], settings: { steps: 20 }, engine: "cpu" },
  ...{ parameters: 3, seconds: 2, losses: [], samples: [], probeSet: null, probes: [] },
  curve: values.map((value, i) => ({ step: 10 * i, metrics: { mmd: value, other: 2 * value } })),
});

/** A training that says so and ends with a distance that falls to `end`. */
async function* training(
  name: string,
  end: number,
  closed: string[] = [],
): AsyncGenerator<TrainingEvent, { record: RunRecord; end: number }> {
  try {
    for (const step of [0, 10, 20]) yield { step, total: 20, metrics: { mmd: 1 } };
    return { record: record(name, [4, 2, end]), end };
  } finally {
    closed.push(name);
  }
}

/** A training that records nothing. */
async function* silently(): AsyncGenerator<TrainingEvent, Trained> {
  yield { step: 1, total: 1, metrics: {} };
  return { record: record("silent", []), end: 1 };
}

const ends = { plain: [1, 1.2, 0.8], better: [0.5, 0.8, 0.5] };
type Trained = { record: RunRecord; end: number };
const study = (given: Partial<OwnStudy<number, Trained>> = {}): OwnStudy<number, Trained> => ({
  question: "Is it better?",
  seeds: [5, 6, 7],
  start: (seed) => seed - 5,
  arms: {
    plain: (_, index) => training("plain", ends.plain[index]!),
    better: async function* (seed, index) {
      return yield* training(`better ${seed}`, ends.better[index]!);
    },
  },
  targets: [1.5],
  measures: { twice: (model) => 2 * model.end },
  ...given,
});

test("a study's numbers: means with intervals, differences of the same seeds, steps to targets, measures of one's own", async () => {
  const found = await experiments.run(study());
  const [{ cells, metric, reference, name }] = found.panels as [(typeof found.panels)[number]];
  assert.equal([name, metric, reference], ["circle", "mmd", "plain"]);
  assert.equal(found.seeds, { tune: [], report: [5, 6, 7] });
  assert.is(found.seconds, 12);
  const [plain, better] = cells as [(typeof cells)[number], (typeof cells)[number]];
  assert.equal(plain.outcomes.mmd, { values: ends.plain, interval: interval(ends.plain), versus: null });
  assert.equal(better.outcomes.mmd!.versus, pairedDifference(ends.better, ends.plain));
  assert.equal(
    better.outcomes.twice!.values,
    ends.better.map((end) => 2 * end),
  );
  assert.equal(
    better.outcomes.other!.values,
    ends.better.map((end) => 2 * end),
  );
  // From 2 at step 10 to `end` at step 20 along a straight line.
  const steps = (all: readonly number[]) => all.map((end) => 10 + (0.5 / (2 - end)) * 10);
  assert.equal(better.outcomes["steps to 1.5"]!.values, steps(ends.better));
  assert.equal(better.outcomes["steps to 1.5"]!.versus, pairedRatio(steps(ends.better), steps(ends.plain)));
  assert.equal(
    better.curves.mmd!.map(({ step }) => step),
    [0, 10, 20],
  );
});

test("events count the steps of all runs, and know the whole from the first on", async () => {
  const seen: [number, number][] = [];
  for await (const { step, total } of experiments.run(study())) seen.push([step, total]);
  assert.equal(seen[0], [0, 120]);
  assert.equal(seen.at(-1), [120, 120]);
  assert.ok(seen.every(([step], i) => i === 0 || step >= seen[i - 1]![0]));
});

test("stopped, it closes the run that trains and gives the seeds that all arms have done", async () => {
  const closed: string[] = [];
  const own = study({
    arms: {
      plain: (seed, index) => training(`plain ${seed}`, ends.plain[index]!, closed),
      better: (seed, index) => training(`better ${seed}`, ends.better[index]!, closed),
    },
  });
  const stopAfter = async (events: number) => {
    const iterator = experiments.run(own)[Symbol.asyncIterator]();
    for (let i = 0; i < events; i++) await iterator.next();
    return (await iterator.return!()).value as Awaited<ReturnType<typeof experiments.run>> | undefined;
  };
  assert.is(await stopAfter(2), undefined);
  assert.equal(closed, ["plain 5"]);
  const found = await stopAfter(11);
  assert.equal(found!.seeds.report, [5]);
  assert.is(found!.panels[0]!.cells[1]!.outcomes.mmd!.interval!.low, null);
  assert.is(closed.at(-1), "better 6");
});

test("what it found is a table and a chart, and says what it is where it is printed", async () => {
  const found = await experiments.run(study());
  const { text } = studyTable(found);
  assert.match(text, /^Is it better\? Means of 3 seeds/);
  assert.match(text, /plain +1 \(0\.5\d* to 1\.\d+\)/);
  assert.match(text, /better .* \*/);
  assert.match(
    inspect(found),
    /^Is it better\?\n {2}plain: mmd 1 \(0\.503 to 1\.5\)\n.*95% interval of 3 seeds$/s,
  );
  assert.match(studyTable(found, { measures: ["twice"] }).text, /^.*\nloss +twice +against plain\n/);
  const chart = JSON.stringify(studyCurves(found, { measure: "other" }));
  assert.match(chart, /better 1\.2/);
});

test("a metric that was not recorded, and arms that are no runs, are refused by name", async () => {
  const unknown = await rejection(Promise.resolve(experiments.run(study({ metric: "beauty" }))));
  assert.match(unknown.message, /metric.*beauty.*mmd, other/s);
  const silent = study({ arms: { a: () => silently() } });
  assert.match((await rejection(Promise.resolve(experiments.run(silent)))).message, /metric.*recording/s);
  const noRun = await rejection(Promise.resolve(experiments.run(study({ arms: { a: () => 7 as never } }))));
  assert.match(noRun.message, /arms\.a/);
  const infinite = study({ measures: { size: () => Number.NaN } });
  assert.match((await rejection(Promise.resolve(experiments.run(infinite)))).message, /measures\.size/);
});

test("followed to its end, or to the arm that fails, it still gives what it found to who awaits it", async () => {
  const run = experiments.run(study());
  for await (const _ of run);
  assert.equal((await run).seeds.report, [5, 6, 7]);

  const failing = experiments.run(
    study({
      arms: {
        plain: (_, index) => training("plain", ends.plain[index]!),
        better: async function* (seed, index) {
          if (seed === 7) throw new Error("no memory");
          return yield* training("better", ends.better[index]!);
        },
      },
    }),
  );
  const failure = (async () => {
    for await (const _ of failing);
  })();
  assert.is(await failure.catch((error: Error) => error.message), "no memory");
  assert.equal((await failing).seeds.report, [5, 6]);

  const stopped = experiments.run(study());
  for await (const _ of stopped) break;
  assert.match(
    (await rejection(Promise.resolve(stopped))).message,
    /stopped before all arms had done a seed/,
  );
});

test("an arm that ignores its seed, or records another metric than the first, is refused at once", async () => {
  const of = (values: Partial<RunRecord>) =>
    async function* (): AsyncGenerator<TrainingEvent, Trained> {
      yield { step: 1, total: 1, metrics: {} };
      return { record: { ...record("a", [1]), ...values }, end: 1 };
    };
  const seen: number[] = [];
  const same = study({
    arms: {
      a: (seed) => {
        seen.push(seed);
        return of({ settings: { seed: 0 } })();
      },
    },
  });
  const error = await rejection(Promise.resolve(experiments.run(same)));
  assert.match(error.message, /invalid arms\.a; given: "seed 0, again"; allowed: a run with the seed/);
  assert.equal(seen, [5, 6]);
  const other = study({
    arms: { a: of({}), b: of({ curve: [{ step: 0, metrics: { frechet: 1 } }] }) },
  });
  assert.match(
    (await rejection(Promise.resolve(experiments.run(other)))).message,
    /invalid metric; given: "mmd"; allowed: frechet/,
  );
});

testWrongCalls(experiments, {
  run: {
    call: (given) => experiments.run("study" in given ? given.study : given),
    valid: study() as never,
    wrong: {
      study: noOptions,
      question: [7, "", null],
      arms: [...noOptions, {}, { a: 7 }, { a: null }],
      seeds: [7, "1, 2", [], [1], [1, 1], [1, 1.5], [1, -1], null],
      start: [7, {}, null],
      reference: ["none", 7, null],
      metric: [7, null],
      targets: [7, ["1"], [Number.NaN], null],
      measures: [null, 7, "text", { a: 7 }],
      steps: [3],
    },
  },
  stepsTo: {
    call: ({ curve, target }) => experiments.stepsTo(curve, target),
    valid: { curve: [{ step: 0, value: 1 }], target: 1 },
    wrong: { curve: [null, 7, "text", {}, [7], [{ step: 0 }]], target: ["1", Number.NaN, null] },
  },
});

test("what a seed's arms start from is followed where it is a run, and closed where the study stops there", async () => {
  const closed: string[] = [];
  const begins = (given: number): OwnStudy<Trained, Trained> => ({
    question: "Does it begin?",
    seeds: [5, 6],
    start: (seed) => training(`start ${seed}`, given + seed, closed) as unknown as Trained,
    arms: { plain: (seed, { end }) => training(`plain ${seed}`, end) },
  });
  const events: string[] = [];
  const study = experiments.run(begins(10));
  for await (const { step, run } of study) events.push(`${step} ${run.arm} ${run.seed} ${run.step}`);
  assert.equal(events.slice(0, 4), ["0 start 5 0", "0 start 5 10", "0 start 5 20", "0 plain 5 0"]);
  assert.equal(events.slice(6, 8), ["20 start 6 0", "20 start 6 10"]);
  const [{ cells }] = (await study).panels as [Awaited<typeof study>["panels"][number]];
  assert.equal(cells[0]!.outcomes.mmd!.values, [15, 16]);
  closed.length = 0;
  for await (const event of experiments.run(begins(10))) if (event.run.arm === "start") break;
  assert.equal(closed, ["start 5"]);
});

test.run();
