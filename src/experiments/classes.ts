import { type Dataset, isCaptioned } from "../../datasets/index.js";

/**
 * Images with classes, for a classifier that measures: captioned ones without classes get the combinations of the two attributes with the most values.
 */
export function classified(data: Dataset): Dataset {
  if (data.numClasses !== undefined || !isCaptioned(data)) return data;
  const [first, second] = Object.entries(data.attributes).sort(([, a], [, b]) => b.length - a.length);
  if (!first || !second) return data;
  const indexOf = ([name, values]: typeof first, shown: Readonly<Record<string, string>>): number =>
    values.indexOf(shown[name]!);
  return {
    ...{ name: data.name, shape: data.shape, size: data.size },
    numClasses: first[1].length * second[1].length,
    sample: (key, count) => {
      const { x, attributes } = data.sample(key, count);
      const labels = attributes.map(
        (shown) => indexOf(first, shown) * second[1].length + indexOf(second, shown),
      );
      return { x, labels: Int32Array.from(labels) };
    },
  };
}
