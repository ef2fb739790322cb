import { check, required } from "../../src/errors.js";
import { notebookWidth } from "../frame.js";
import { matrixShape } from "../projections/projection.js";
import type { Points, VegaLiteSpec } from "../spec.js";
import { formatCount } from "../text.js";
import { checkList, checkNames, checkPoints, rowAxes } from "../validate.js";
import { metricCurves } from "./curves.js";
import { quantile } from "./tangents.js";

/** What `autocorrelation` draws. */
export interface AutocorrelationInput {
  runs: readonly {
    name: string;
    /** The tangents of the same probes, recording by recording, evenly spaced: [probes, dim] or [probes, height, width, channels]. */
    tangents: readonly Points[];
  }[];
  /** Recordings apart, at most. Default: half of the recordings, 50 at most. */
  maxLag?: number;
  /** Training steps between recordings, for the horizontal axis. Default: the axis counts recordings. */
  interval?: number;
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
  /** Of the plot alone, in pixels. Default 220. */
  height?: number;
}

/**
 * How long tangents keep their direction: mean cosine between tangents of the same probe that are `lag` recordings apart, averaged over training;
 * the band is the middle half of the probes.
 * @throws TangentLabError `invalid-argument` for fewer than two recordings, shapes that differ or values that are not finite.
 */
export function autocorrelation(input: AutocorrelationInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  const { runs, interval, width = notebookWidth, height = 220 } = input;
  checkNames("runs", runs);
  for (const [i, { tangents }] of runs.entries()) {
    checkList(`runs[${i}].tangents`, tangents);
    check(tangents.length >= 2, `runs[${i}].tangents`, `${tangents.length} recordings`, "at least two");
    for (const [j, points] of tangents.entries()) {
      const argument = `runs[${i}].tangents[${j}]`;
      checkPoints(argument, points, rowAxes(argument, points));
      const same = points.shape.join() === tangents[0]!.shape.join();
      check(same, `${argument}.shape`, points.shape, `that of the first recording, [${tangents[0]!.shape}]`);
    }
  }
  const fewest = Math.min(...runs.map(({ tangents }) => tangents.length));
  const maxLag = input.maxLag ?? Math.max(1, Math.min(50, Math.floor(fewest / 2)));
  const allowed = `an integer from 1 to ${fewest - 1}, less than the number of recordings`;
  check(Number.isInteger(maxLag) && maxLag >= 1 && maxLag < fewest, "maxLag", maxLag, allowed);
  const lags = Array.from({ length: maxLag }, (_, i) => i + 1);
  const unit = interval ?? 1;
  const curves = runs.map(({ name, tangents }) => {
    const byLag = lags.map((lag) => cosines(tangents, lag).sort((a, b) => a - b));
    return {
      name,
      steps: lags.map((lag) => lag * unit),
      values: byLag.map((sorted) => sorted.reduce((a, b) => a + b, 0) / sorted.length),
      low: byLag.map((sorted) => quantile(sorted, 0.25)),
      high: byLag.map((sorted) => quantile(sorted, 0.75)),
    };
  });
  const memory = curves.map(({ name, values }) => {
    const at = values.findIndex((value) => value < 0.5);
    return `${name} ${at < 0 ? "more than " : ""}${formatCount((at < 0 ? maxLag : lags[at]!) * unit)}`;
  });
  return metricCurves({
    metric: "mean cosine",
    curves,
    xTitle: interval === undefined ? "recordings apart" : "training steps apart",
    lowerIsBetter: false,
    title:
      input.title ??
      `${interval === undefined ? "Recordings" : "Steps"} until tangents lose their direction: ${memory.join(", ")}`,
    caption: [
      "Line: mean over the probes, and over all recordings so far apart; band: the middle half of the probes.",
      ...(input.title === undefined ? ["In the title: where the line falls below 0.5."] : []),
    ],
    width,
    height,
  });
}

/** Per probe, the mean cosine between its tangents `lag` recordings apart; a tangent of no length is unrelated to all. */
function cosines(tangents: readonly Points[], lag: number): number[] {
  const [probes, dim] = matrixShape(tangents[0]!);
  return Array.from({ length: probes }, (_, probe) => {
    let sum = 0;
    for (let j = 0; j + lag < tangents.length; j++) {
      const [a, b] = [tangents[j]!.values, tangents[j + lag]!.values];
      let [ab, aa, bb] = [0, 0, 0];
      for (let k = probe * dim; k < (probe + 1) * dim; k++) {
        ab += a[k]! * b[k]!;
        aa += a[k]! * a[k]!;
        bb += b[k]! * b[k]!;
      }
      if (aa > 0 && bb > 0) sum += ab / Math.sqrt(aa * bb);
    }
    return sum / (tangents.length - lag);
  });
}
