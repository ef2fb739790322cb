import { max, median, min, quantile } from "simple-statistics";
import type { Run, Runner } from "./runner.js";

/** How long one participant's steps took, and in which relation to the first participant's. */
export interface Measurement {
  readonly name: string;
  readonly setting: string;
  /** Median over blocks of a block's median step, in milliseconds. */
  readonly milliseconds: number;
  /** Median over rounds of (first participant's time) / (this one's time). Below 1 the first is faster. */
  readonly ratio: number;
  /** The same of the fastest blocks: what other work on the machine disturbs least. */
  readonly bestRatio: number;
  /** The middle half of the rounds' ratios. */
  readonly quartiles: readonly [number, number];
  readonly rounds: number;
}

/** What a block of steps should take, in seconds: long against timer and wake-up, short against what else the machine does. */
const blockSeconds = 0.25;
const leastRounds = 3;
const mostSteps = 200;

/**
 * Times participants in turns, a block of steps each, round after round (A/B/C, A/B/C, ...), so that whatever else the machine does meets all of them alike.
 * Slow ones stop once they have had their share of `seconds`.
 */
export async function alternate(runners: readonly Runner[], seconds: number): Promise<Measurement[]> {
  const [first] = runners;
  const steps = new Map<Runner, number>();
  for (const runner of runners) {
    const { seconds: once } = await runner.run(1);
    const trial = once[0]! > blockSeconds ? once[0]! : min([...once, ...(await runner.run(2)).seconds]);
    steps.set(runner, Math.max(1, Math.min(mostSteps, Math.round(blockSeconds / trial))));
  }
  const blocks = new Map(runners.map((runner) => [runner, [] as { time: number; ratio: number }[]]));
  const spent = new Map(runners.map((runner) => [runner, 0]));
  const share = seconds / runners.length;
  const measured = (runner: Runner): boolean =>
    spent.get(runner)! < share || blocks.get(runner)!.length < leastRounds;
  for (let round = 0; round === 0 || runners.slice(1).some(measured) || measured(first!); round++) {
    let reference = Number.NaN;
    for (const runner of runners) {
      // The first runs in every round, others as long as they have time: a ratio's two sides are never far apart.
      if (runner !== first && !measured(runner)) continue;
      const time = median([...(await block(runner, steps.get(runner)!, spent))]);
      if (runner === first) reference = time;
      blocks.get(runner)!.push({ time, ratio: reference / time });
    }
  }
  const best = (runner: Runner): number => min(blocks.get(runner)!.map((entry) => entry.time));
  return runners.map((runner) => {
    const all = blocks.get(runner)!;
    const ratios = all.map((entry) => entry.ratio);
    return {
      name: runner.name,
      setting: runner.setting,
      milliseconds: 1000 * median(all.map((entry) => entry.time)),
      ratio: median(ratios),
      bestRatio: best(first!) / best(runner),
      quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
      rounds: all.length,
    };
  });
}

/** The measurements of one run of each. */
export const once = (runners: readonly Runner[], seconds: readonly number[]): Measurement[] =>
  runners.map(({ name, setting }, i) => {
    const ratio = seconds[0]! / seconds[i]!;
    return {
      name,
      setting,
      milliseconds: 1000 * seconds[i]!,
      ratio,
      bestRatio: ratio,
      quartiles: [ratio, ratio] as const,
      rounds: 1,
    };
  });

/**
 * Whether a ratio is worth little because the machine was busy: its median and that of the fastest blocks differ by more than a fifth, or its
 * middle half is wider than a third.
 */
export const disturbed = ({ ratio, bestRatio, quartiles: [low, high] }: Measurement): boolean =>
  Math.abs(Math.log(ratio / bestRatio)) > Math.log(1.2) || high / low > 1.33;

/** One block: a step to wake up the threads, unless one is as long as a block, then those that count. */
async function block(runner: Runner, steps: number, spent: Map<Runner, number>): Promise<readonly number[]> {
  const waking = steps > 1 ? 1 : 0;
  const { seconds } = await runner.run(steps + waking);
  spent.set(runner, spent.get(runner)! + seconds.reduce((a, b) => a + b, 0));
  return seconds.slice(waking);
}

/** Largest relative difference between the metrics of two participants' first steps, over the metrics that both have. */
export function difference(a: Run, b: Run): number {
  const differences = a.metrics.flatMap((metrics, i) =>
    Object.entries(metrics)
      .filter(([name]) => b.metrics[i]?.[name] !== undefined)
      .map(([name, value]) => Math.abs(value - b.metrics[i]![name]!) / Math.abs(value)),
  );
  return max(differences);
}
