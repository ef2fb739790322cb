// How the values of a table's column are written: numbers with as many decimals each, so that they can be compared down the column.
import { formatCount, formatNumber, intervalText } from "../text.js";

/** A mean with the ends of its interval, as studies and bootstrap intervals have it. */
export interface TableInterval {
  mean: number;
  /** Null or left out where the interval is not known. */
  low?: number | null;
  high?: number | null;
}

/** What a cell of a table can be. Null and undefined leave it empty. */
export type TableValue = string | number | boolean | TableInterval | null | undefined;

/** A column ready to print. */
export interface Column {
  title: string;
  numeric: boolean;
  texts: string[];
  /** Per row, whether it is the best. */
  best: boolean[];
}

export const isInterval = (value: unknown): value is TableInterval =>
  typeof value === "object" && value !== null && typeof (value as TableInterval).mean === "number";

/** The number of a cell: of an interval its mean. */
const numberOf = (value: TableValue): number | undefined =>
  typeof value === "number" ? value : isInterval(value) ? value.mean : undefined;

/** A column's values as texts; `best` says which end is to be marked, `format` writes its numbers. */
export function column(
  title: string,
  values: readonly TableValue[],
  { best, format }: { best?: "lowest" | "highest"; format?: (value: number) => string } = {},
): Column {
  const write = format ?? sharedFormat(values);
  const numbers = values.map(numberOf);
  const finite = numbers.filter((value): value is number => Number.isFinite(value));
  const end = best === "highest" ? Math.max(...finite) : Math.min(...finite);
  return {
    title,
    numeric: finite.length > 0 && values.every((value) => typeof value !== "string"),
    texts: values.map((value) => cellText(value, write)),
    best: numbers.map((value) => best !== undefined && value === end),
  };
}

function cellText(value: TableValue, write: (value: number) => string): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  const number = (of: number): string => (Number.isFinite(of) ? write(of) : String(of));
  if (typeof value === "number") return number(value);
  return intervalText(value, number);
}

/** The widest span of sizes for which one number of decimals does. */
const span = 1000;
const mostDecimals = 6;

/** One way to write all numbers of a column. */
function sharedFormat(values: readonly TableValue[]): (value: number) => string {
  const all = values.flatMap((value) => {
    if (!isInterval(value)) return typeof value === "number" ? [value] : [];
    return [value.mean, value.low ?? value.mean, value.high ?? value.mean];
  });
  const finite = all.filter(Number.isFinite);
  if (finite.every(Number.isInteger))
    return (value) => (Math.abs(value) < 1e15 ? formatCount(value) : String(value));
  const sizes = finite.map(Math.abs).filter((size) => size > 0);
  const largest = Math.max(...sizes);
  const wanted = decimalsOfIntervals(values) ?? 2 - Math.floor(Math.log10(largest));
  const tooWide = largest / Math.min(...sizes) > span && wanted < mostDecimals;
  if (largest >= 1e7 || wanted > mostDecimals || (tooWide && decimalsOfIntervals(values) === undefined))
    return formatNumber;
  const most = Math.max(0, wanted);
  const decimals = Math.max(...finite.map((value) => decimalsOf(value, most)));
  return (value) =>
    value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Decimals of a number that is rounded to `most`, without zeros at the end. */
const decimalsOf = (value: number, most: number): number =>
  Number(value.toFixed(most)).toString().split(".")[1]?.length ?? 0;

/** As many decimals as say something: an interval's half has one digit, or two where the first is a 1. Undefined without intervals. */
function decimalsOfIntervals(values: readonly TableValue[]): number | undefined {
  const halves = values
    .filter(isInterval)
    .flatMap(({ low, high }) => (low == null || high == null ? [] : [(high - low) / 2]))
    .filter((half) => half > 0 && Number.isFinite(half))
    .sort((a, b) => a - b);
  if (halves.length === 0) return undefined;
  // Rounding makes (0.27 - 0.21) / 2 a little less than 0.03.
  const typical = halves[Math.floor(halves.length / 2)]! * (1 + 1e-9);
  return -Math.floor(Math.log10(typical / 2));
}
