import { type ArmName, type ArmRecording, arms, type Recording } from "./messages.js";

/** What charts need of a recording. */
export interface Moment {
  readonly iteration: number;
  /** Share along the manifold for each level. */
  readonly along: Record<ArmName, readonly number[]>;
  readonly quality: Record<ArmName, number>;
}

export const moment = (recording: Recording): Moment => {
  const each = <T>(of: (arm: ArmRecording) => T): Record<ArmName, T> =>
    Object.fromEntries(arms.map((name) => [name, of(recording[name])])) as Record<ArmName, T>;
  return {
    iteration: recording.iteration,
    along: each(({ pushes }) => pushes.map(({ along }) => along)),
    quality: each(({ quality }) => quality),
  };
};

/** The moments at which samples were measured again. */
export const measured = (moments: readonly Moment[]): readonly Moment[] =>
  moments.filter(({ quality }, i) => i === 0 || quality.pixel !== moments[i - 1]!.quality.pixel);

/** At most about `most` of the moments, evenly, with the last: more than that no chart can show. */
export function thinned(moments: readonly Moment[], most = 400): readonly Moment[] {
  const every = Math.ceil(moments.length / most);
  return every <= 1 ? moments : moments.filter((_, i) => (moments.length - 1 - i) % every === 0);
}
