export type RGB = readonly [number, number, number];

/** Colours far apart from each other and from the background, in [-1, 1]. */
export const colours: Readonly<Record<string, RGB>> = {
  red: [0.9, -0.7, -0.7],
  green: [-0.6, 0.6, -0.6],
  blue: [-0.6, -0.4, 1],
  yellow: [1, 0.9, -0.6],
  purple: [0.5, -0.7, 0.8],
  orange: [1, 0.2, -0.8],
  cyan: [-0.5, 0.8, 0.9],
  white: [0.95, 0.95, 0.95],
};

/** For a point within the unit square around 0 (|u|, |v| <= 1, v down): whether it belongs to the shape. */
const inside = {
  circle: (u, v) => u * u + v * v <= 1,
  square: (u, v) => Math.max(Math.abs(u), Math.abs(v)) <= 0.9,
  triangle: (u, v) => v <= 0.9 && v >= 2 * Math.abs(u) - 1,
  cross: (u, v) => Math.min(Math.abs(u), Math.abs(v)) <= 0.34,
  diamond: (u, v) => Math.abs(u) + Math.abs(v) <= 1,
  ring: (u, v) => u * u + v * v <= 1 && u * u + v * v >= 0.3,
} satisfies Record<string, (u: number, v: number) => boolean>;

export type ShapeName = keyof typeof inside;

export const shapeNames = Object.keys(inside) as ShapeName[];

/** Points per pixel and direction at which a shape is sampled: 64 levels of coverage. */
const oversampling = 8;

/**
 * How much of each pixel a shape covers, [size, size] in [0, 1].
 * @param diameter of the shape, in pixels.
 * @param x, y its centre in pixels from the top left corner.
 */
export function shapeMask(
  shape: ShapeName,
  diameter: number,
  x: number,
  y: number,
  size: number,
): Float32Array {
  const mask = new Float32Array(size * size);
  const radius = diameter / 2;
  const belongs: (u: number, v: number) => boolean = inside[shape];
  for (let row = Math.max(0, Math.floor(y - radius)); row < Math.min(size, Math.ceil(y + radius)); row++) {
    for (
      let column = Math.max(0, Math.floor(x - radius));
      column < Math.min(size, Math.ceil(x + radius));
      column++
    ) {
      let hits = 0;
      for (let i = 0; i < oversampling ** 2; i++) {
        const u = (column + ((i % oversampling) + 0.5) / oversampling - x) / radius;
        const v = (row + (Math.floor(i / oversampling) + 0.5) / oversampling - y) / radius;
        if (Math.abs(u) <= 1 && Math.abs(v) <= 1 && belongs(u, v)) hits++;
      }
      mask[row * size + column] = hits / oversampling ** 2;
    }
  }
  return mask;
}
