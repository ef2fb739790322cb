/** What the tangents at one noise level do: shares in [0, 1]. */
export interface Pushes {
  /** Part of the tangents' squared length that runs along the manifold; chance is one half in the plane. */
  readonly along: number;
  /** Part of the push along the manifold that is taken back by later pushes at the same point: 1 is pure to and fro. */
  readonly takenBack: number;
  /** Part of the tangents that point to the side on which the manifold is. */
  readonly toward: number;
}

/** One recording of unit tangents at `levels` x `count` points. */
export interface Components {
  /** Signed length along the manifold. */
  readonly along: Float32Array;
  /** Signed length across it, positive to the manifold. */
  readonly across: Float32Array;
}

/** Components of unit vectors (rows of 2) at points, by the manifold's nearest points and its unit tangents there. */
export function components(
  vectors: Float32Array,
  points: Float32Array,
  nearest: Float32Array,
  basis: Float32Array,
): Components {
  const n = vectors.length / 2;
  const along = new Float32Array(n);
  const across = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const [vx, vy] = [vectors[2 * i]!, vectors[2 * i + 1]!];
    const [bx, by] = [basis[2 * i]!, basis[2 * i + 1]!];
    const side = by * (points[2 * i]! - nearest[2 * i]!) - bx * (points[2 * i + 1]! - nearest[2 * i + 1]!);
    along[i] = vx * bx + vy * by;
    across[i] = (vy * bx - vx * by) * (side < 0 ? -1 : 1);
  }
  return { along, across };
}

/** The last recordings of a window, summed up for the points of one noise level, `from` up to `to`. */
export function sumUp(window: readonly Components[], from: number, to: number): Pushes {
  let [squared, all, net, way, toward, total] = [0, 0, 0, 0, 0, 0];
  for (let i = from; i < to; i++) {
    let sum = 0;
    for (const { along, across } of window) {
      sum += along[i]!;
      way += Math.abs(along[i]!);
      squared += along[i]! ** 2;
      all += along[i]! ** 2 + across[i]! ** 2;
      total++;
      if (across[i]! > 0) toward++;
    }
    net += Math.abs(sum);
  }
  return {
    along: all > 0 ? squared / all : 0,
    takenBack: way > 0 ? 1 - net / way : 0,
    toward: total > 0 ? toward / total : 0,
  };
}
