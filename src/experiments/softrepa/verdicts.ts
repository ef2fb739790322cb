import type { Attributes, CaptionedDataset } from "../../../datasets/index.js";

/** What was found of pictures, one by one and all together; JSON. */
export type Verdicts = {
  /** "1" for each picture that has every attribute as its caption asks, "0" for each other: a text, in the order of the captions. */
  right: string;
  /** Share of the pictures without two values at each other's place: no binding is swapped. */
  bound: number;
  /** Share of the pictures with the same object twice where the caption has two. */
  repeated: number;
};

/** Attributes that take the same values, two by two: those of two objects, whose values could be exchanged. */
export function exchangeable({ attributes }: Pick<CaptionedDataset, "attributes">): [string, string][] {
  const valuesOf = (name: string): string => [...attributes[name]!].sort().join("\n");
  const names = Object.keys(attributes);
  return names.flatMap((a, i) =>
    names.slice(i + 1).flatMap((b): [string, string][] => (valuesOf(a) === valuesOf(b) ? [[a, b]] : [])),
  );
}

/** Judges pictures by what they show, against what their captions ask for. */
export function verdicts(
  data: Pick<CaptionedDataset, "attributes">,
  shown: readonly Attributes[],
  wanted: readonly Attributes[],
): Verdicts {
  const pairs = exchangeable(data);
  const isRight = (i: number): boolean =>
    Object.entries(wanted[i]!).every(([name, value]) => shown[i]![name] === value);
  const isSwapped = (i: number): boolean =>
    pairs.some(([a, b]) => {
      const [has, asks] = [shown[i]!, wanted[i]!];
      return asks[a] !== asks[b] && has[a] === asks[b] && has[b] === asks[a];
    });
  const isRepeated = (i: number): boolean =>
    pairs.length > 0 &&
    pairs.every(([a, b]) => shown[i]![a] === shown[i]![b]) &&
    pairs.some(([a, b]) => wanted[i]![a] !== wanted[i]![b]);
  const share = (is: (i: number) => boolean): number =>
    wanted.reduce((sum, _, i) => sum + (is(i) ? 1 : 0), 0) / wanted.length;
  return {
    right: wanted.map((_, i) => (isRight(i) ? "1" : "0")).join(""),
    bound: 1 - share(isSwapped),
    repeated: share(isRepeated),
  };
}

/** Whether each picture is right. */
export const rightOf = ({ right }: Pick<Verdicts, "right">): boolean[] =>
  [...right].map((bit) => bit === "1");

/** Share of the pictures that are right. */
export const shareRight = (verdicts: Pick<Verdicts, "right">): number =>
  rightOf(verdicts).reduce((sum, is) => sum + (is ? 1 : 0), 0) / verdicts.right.length;
