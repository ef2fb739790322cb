import { required } from "../../src/errors.js";
import type { VegaLiteSpec } from "../spec.js";
import { formatPercent } from "../text.js";
import { checkList, checkNames } from "../validate.js";
import { type IntervalPoint, intervals } from "./intervals.js";

/** What `attributeAgreement` draws. */
export interface AgreementInput {
  /** Per arm (frozen, soft tokens, ...), the share of images that show each attribute as the caption says, in [0, 1]. */
  arms: readonly {
    name: string;
    attributes: readonly (Omit<IntervalPoint, "at"> & { attribute: string })[];
  }[];
  /** What the read-out finds on real images: the most that can be reached. */
  ceiling?: Readonly<Record<string, number>>;
  title?: string;
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
  /** Of the plot alone, in pixels. Default 240. */
  height?: number;
}

/**
 * Agreement of generated images with their captions, attribute by attribute, with intervals over seeds.
 * @throws TangentLabError `invalid-argument` for arms without attributes or numbers that are not finite.
 */
export function attributeAgreement(input: AgreementInput): VegaLiteSpec {
  const { arms, ceiling = {}, title, ...rest } = required("input", input, "the data of the chart");
  checkNames("arms", arms);
  for (const [i, { attributes }] of arms.entries()) checkList(`arms[${i}].attributes`, attributes);
  const means = arms.map(({ name, attributes }) => {
    const mean = attributes.reduce((sum, point) => sum + point.mean, 0) / attributes.length;
    return `${name} ${formatPercent(mean)}`;
  });
  return intervals({
    ...rest,
    metric: "images as the caption says",
    yFormat: ".0%",
    xTitle: "attribute",
    series: arms.map(({ name, attributes }) => ({
      name,
      points: attributes.map(({ attribute, ...point }) => ({ at: attribute, ...point })),
    })),
    references: Object.entries(ceiling).map(([at, value]) => ({ at, value })),
    title: title ?? `Attributes as the caption says, mean over attributes: ${means.join(", ")}`,
    caption: Object.keys(ceiling).length > 0 ? ["Grey tick: real images, the most that can be reached."] : [],
  });
}
