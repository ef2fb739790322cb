import type { Agreement } from "../../../datasets/index.js";
import type { Json } from "../../io/checkpoint.js";
import type { ArrayRecord, RunRecord } from "../../loop/record.js";
import type { EditQuality } from "./edits.js";
import type { ExamplesRecord, SplitName } from "./examples-record.js";
import type { Information } from "./information.js";
import type { GuidedQuality } from "./measure.js";
import type { MendedRecord } from "./mended-record.js";

/** One arm on one split. */
export type ArmQuality = GuidedQuality & { information: Information };

/** The same captions with one model. */
export interface ArmRecord {
  /** "none", "oracle", "prompt tuning", ... */
  name: string;
  splits: Partial<Record<SplitName, ArmQuality>>;
  /** Seen combinations with several guidances. */
  curve: GuidedQuality[];
  /** How well image features in the network's middle keep attributes and agree with a separately trained network. */
  alignment: AlignmentRecord | null;
  /** One for each start. */
  editing: EditQuality[];
  /** Numbers trained for this arm. */
  trained: number;
  /** Milliseconds of a sampling step of one batch. */
  stepTime: number;
}

export interface AlignmentRecord {
  /** Accuracy of a linear probe for each attribute. */
  probe: Record<string, number>;
  cknna: number;
}

/** Strips from the source to the edited image. */
export interface StripsRecord {
  source: string[];
  target: string[];
  /** By arm; frames of [tasks, ...shape], the source first. */
  frames: Record<string, ArrayRecord[]>;
}

/** Where image patches attend to soft tokens. */
export interface AttentionRecord {
  captions: string[];
  /** The images whose noisy versions the network saw, [captions, ...shape]. */
  images: ArrayRecord;
  /** Noise level. */
  t: number;
  /** By layer: [captions, height, width, 1], the attention to all soft tokens together. */
  layers: ArrayRecord[];
}

/** All that the soft token report shows; plain data. */
export interface SoftRepaRecord {
  title: string;
  /** ISO 8601. */
  date: string;
  seconds: number;
  quick: boolean;
  dataset: string;
  shape: number[];
  /** What the read-out reads off clean images: no model can be measured to be better. */
  ceiling: Partial<Record<SplitName, Agreement>>;
  arms: ArmRecord[];
  /** How much of what can be mended each arm mends. */
  mended: MendedRecord;
  examples: ExamplesRecord[];
  strips: StripsRecord;
  attention: AttentionRecord | null;
  runs: RunRecord[];
  settings: { [name: string]: Json };
  machine: Record<string, string>;
  versions: Record<string, string>;
}
