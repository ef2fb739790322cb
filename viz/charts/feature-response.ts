import { required } from "../../src/errors.js";
import type { VegaLiteSpec } from "../spec.js";
import { capitalize, formatNumber } from "../text.js";
import { checkNames } from "../validate.js";
import { type Curve, metricCurves } from "./curves.js";

/** What `featureResponse` draws. */
export interface FeatureResponseInput {
  /** Per transformation: its sizes, and how far it moves the features, ||phi(T(x)) - phi(x)||: mean over examples, and a band around it. */
  responses: readonly (Omit<Curve, "steps"> & { sizes: ArrayLike<number> })[];
  /** Default "size of the transformation". Say the unit that makes sizes comparable, e.g. "distance in pixels". */
  xTitle?: string;
  /** Default "distance of features". */
  metric?: string;
  title?: string;
  /** Sentences to stand under the chart, for instance what the bands are. */
  caption?: readonly string[];
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
  /** Of the plot alone, in pixels. Default 240. */
  height?: number;
}

/**
 * How features respond to each transformation of the data: those that stay on the manifold (a shift, a turn) should move them little and those that
 * leave it (noise, blur) much, at an equal distance in pixels.
 * @throws TangentLabError `invalid-argument` where there is nothing to draw or lengths differ.
 */
export function featureResponse(input: FeatureResponseInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  const { responses, xTitle = "size of the transformation", metric = "distance of features" } = input;
  checkNames("responses", responses);
  for (const [i, { values }] of responses.entries()) required(`responses[${i}].values`, values, "a list");
  const ends = responses
    .map(({ name, values }) => ({ name, value: Array.from(values).filter(Number.isFinite).at(-1) ?? 0 }))
    .sort((a, b) => b.value - a.value);
  const [most, least] = [ends[0]!, ends.at(-1)!];
  const finding =
    ends.length > 1 && least.value > 0
      ? `${capitalize(most.name)} moves the features ${formatNumber(Number((most.value / least.value).toPrecision(2)))} times as far as ${least.name}`
      : `How far transformations move the features: ${ends.map(({ name, value }) => `${name} ${formatNumber(value)}`).join(", ")}`;
  return metricCurves({
    ...input,
    metric,
    xTitle,
    curves: responses.map(({ sizes, ...rest }) => ({ ...rest, steps: sizes })),
    title: input.title ?? finding,
  });
}
