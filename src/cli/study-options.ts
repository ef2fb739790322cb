/** Options of `tangent-lab experiment` that decide what is compared, and so the numbers. */
export interface StudyOptions {
  quick: boolean;
  seeds?: number;
  panel?: string[];
  /** Besides the reference, which is always there. */
  arm?: string[];
}

/** The options as they are typed, a word each. */
export const studyWords = ({ quick, seeds, panel = [], arm = [] }: StudyOptions): string[] => [
  ...(quick ? ["--quick"] : []),
  ...(seeds === undefined ? [] : ["--seeds", `${seeds}`]),
  ...panel.flatMap((each) => ["--panel", each]),
  ...arm.flatMap((each) => ["--arm", each]),
];
