import { check } from "../../src/errors.js";
import { checkPoints } from "../validate.js";
import type { Projection } from "./projection.js";

/**
 * A view of points in space from a chosen side, without perspective: lengths in the plane of view are true, depth is lost.
 * @param options.azimuth of the eye, in degrees from the first axis towards the second. Default -60.
 * @param options.elevation of the eye above the plane of these two, in degrees from -90 to 90. Default 30.
 */
export function orthographic(options: { azimuth?: number; elevation?: number } = {}): Projection {
  check.only("orthographic", options, ["azimuth", "elevation"]);
  const { azimuth = -60, elevation = 30 } = options;
  check(Number.isFinite(azimuth), "azimuth", azimuth, "degrees");
  check.number("elevation", elevation, (e) => e >= -90 && e <= 90, "degrees from -90 to 90");
  const [a, e] = [(azimuth * Math.PI) / 180, (elevation * Math.PI) / 180];
  const right = [-Math.sin(a), Math.cos(a), 0];
  const up = [-Math.sin(e) * Math.cos(a), -Math.sin(e) * Math.sin(a), Math.cos(e)];
  const eye = [Math.cos(e) * Math.cos(a), Math.cos(e) * Math.sin(a), Math.sin(e)];
  const along = (values: ArrayLike<number>, i: number, axis: readonly number[]): number =>
    values[3 * i]! * axis[0]! + values[3 * i + 1]! * axis[1]! + values[3 * i + 2]! * axis[2]!;
  const checked = (points: Parameters<Projection["project"]>[0]): number => {
    checkPoints("points", points, ["count", "3"]);
    check(points.shape[1] === 3, "points.shape", points.shape, "[count, 3]");
    return points.shape[0]!;
  };
  return {
    name: "view",
    axes: ["across the view", "up the view"],
    note: `Seen from azimuth ${azimuth}°, elevation ${elevation}°: depth is lost, what is far is fainter.`,
    project(points) {
      const count = checked(points);
      const values = new Float64Array(2 * count);
      for (let i = 0; i < count; i++) {
        values[2 * i] = along(points.values, i, right);
        values[2 * i + 1] = along(points.values, i, up);
      }
      return { shape: [count, 2], values };
    },
    depth(points) {
      const count = checked(points);
      return Float64Array.from({ length: count }, (_, i) => along(points.values, i, eye));
    },
  };
}
