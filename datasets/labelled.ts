import { displayedDataset } from "../src/engine/self-display.js";
import { check } from "../src/errors.js";
import { fingerprintOf, once } from "../src/io/fingerprint.js";
import type { CaptionedDataset } from "./captioned.js";
import type { Dataset } from "./dataset.js";

/**
 * A captioned dataset as one of classes: a class for each combination of the values of these attributes. What training holds out of captions stays out.
 * @throws TangentLabError `invalid-argument` for attributes that the dataset does not have.
 */
export function labelledBy(
  data: CaptionedDataset,
  attributes: readonly string[],
  name = `${data?.name}-labelled`,
): Dataset {
  check(typeof data?.attributes === "object", "data", data?.name ?? data, "a dataset with captions");
  const known = Object.keys(data.attributes);
  check(
    Array.isArray(attributes) &&
      attributes.length > 0 &&
      attributes.every((attribute) => known.includes(attribute)),
    "attributes",
    attributes,
    known.length > 0 ? `one or more of ${known.join(", ")}` : "none: this dataset has captions only",
  );
  const classNames = attributes.reduce<string[]>(
    (names, attribute) =>
      names.flatMap((before) => data.attributes[attribute]!.map((value) => `${before} ${value}`.trim())),
    [""],
  );
  const labelOf = (shown: Readonly<Record<string, string>>): number =>
    attributes.reduce((label, attribute) => {
      const values = data.attributes[attribute]!;
      return label * values.length + values.indexOf(shown[attribute]!);
    }, 0);
  const { fingerprint } = data;
  return displayedDataset<Dataset>({
    name,
    shape: data.shape,
    size: data.size,
    numClasses: classNames.length,
    classNames,
    ...(fingerprint && {
      fingerprint: once(async () => fingerprintOf([await fingerprint(), { attributes }])),
    }),
    sample: (key, count) => {
      const { x, attributes: shown } = data.sample(key, count);
      return { x, labels: Int32Array.from(shown, labelOf) };
    },
  });
}
