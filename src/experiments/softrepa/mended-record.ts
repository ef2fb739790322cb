import type { Interval, McNemar } from "../statistics.js";
import type { ExamplesRecord, SplitName } from "./examples-record.js";

/** One arm on one split, over the seeds. */
export type MendedSplit = {
  /** Share of pictures with every attribute as asked. */
  right: Interval;
  /** Of what the oracle has right more often than the base: the share that the arm has, too. null where there is no such gap in a seed. */
  mended: Interval | null;
  byAttribute: Record<string, Interval>;
  /** Share of pictures without a swapped binding. */
  bound: Interval;
  repeated: Interval;
  frechet: Interval;
  /** Against the base with the same seeds; null for itself. */
  frechetVersus: Interval | null;
  /** The arm first, the base second, on the same captions and noise, the seeds together; null for the base itself. */
  mcNemar: McNemar | null;
  information: Interval;
};

/** Seen combinations with the guidance that served the arm best: each half of the curve's pictures with the one that is best on the other half. */
export type Guided = {
  /** All that were chosen, of any seed and half, rising. */
  guidance: number[];
  right: Interval;
  /** Of the same gap as without: between oracle and base at the main guidance. */
  mended: Interval | null;
  frechet: Interval;
};

export type MendedArm = {
  name: string;
  /** Numbers trained for it. */
  trained: number;
  splits: Partial<Record<SplitName, MendedSplit>>;
  best: Guided;
  curve: { guidance: number; right: Interval; frechet: Interval }[];
  /** InfoNCE's bound on seen combinations, time by time. */
  information: { t: number; bound: Interval; temperature: Interval }[];
};

/** Two arms that differ in what is asked: whether the second mends more than the first. */
export type Contest = {
  first: string;
  second: string;
  split: SplitName;
  /** Second less first, in the share of pictures that are right. */
  difference: Interval;
  mcNemar: McNemar;
};

/** How much of a mendable misalignment each arm mends; plain data. */
export type MendedRecord = {
  /** The base and the oracle, which are among the arms. */
  base: string;
  oracle: string;
  /** Of the pictures, unless said. */
  guidance: number;
  seeds: number[];
  /** Pictures of a seed. */
  pictures: Partial<Record<SplitName, number>>;
  /** Of the curves over guidance. */
  curvePictures: number;
  /** Oracle less base, in the share of pictures that are right. */
  gap: Partial<Record<SplitName, Interval>>;
  arms: MendedArm[];
  contests: Contest[];
};

/** What a study's report shows of it. */
export type MendedReport = {
  mended: MendedRecord;
  /** Pictures of the first seed. */
  examples: ExamplesRecord[];
};
