import type { ImageParameters, TransformationStrengths } from "./parameters.js";

type Strengths = Required<TransformationStrengths>;

/** A square matrix by rows. */
type Matrix = readonly (readonly number[])[];

const product = (A: Matrix, B: Matrix): number[][] =>
  A.map((row) => B[0]!.map((_, j) => row.reduce((sum, a, k) => sum + a * B[k]![j]!, 0)));

const rotation = (a: number): Matrix => [
  [Math.cos(a), -Math.sin(a)],
  [Math.sin(a), Math.cos(a)],
];

/**
 * The positions that transformed images are read at, as maps [count, 2, 3] from output to input in pixels from the centre, x to the right and y down:
 * input = S R A (output - shift), each factor the inverse of its transformation, as in EDM's augmentation (2206.00364).
 */
export function inverseMaps(drawn: ImageParameters, count: number, size: number, s: Strengths): Float32Array {
  const inverse = new Float32Array(6 * count);
  for (let i = 0; i < count; i++) {
    const of = (column: Float32Array | undefined): number => column?.[i] ?? 0;
    const shrink = 2 ** (-s.scaleStd * of(drawn.scale?.[0]));
    const R = rotation(of(drawn.rotate_frac?.[0]));
    const stretch = 2 ** (s.anisoStd * of(drawn.aniso?.[0]));
    const axis = of(drawn.aniso?.[1]);
    const diagonal: Matrix = [
      [1 / stretch, 0],
      [0, stretch],
    ];
    const A = product(product(rotation(-axis), diagonal), rotation(axis));
    const [[a, b], [c, d]] = product(R, A).map((row) => row.map((value) => value * shrink)) as [
      [number, number],
      [number, number],
    ];
    const x = of(drawn.translate_frac?.[0]) * s.translateFracStd * size;
    const y = of(drawn.translate_frac?.[1]) * s.translateFracStd * size;
    inverse.set([a, b, -(a * x + b * y), c, d, -(c * x + d * y)], 6 * i);
  }
  return inverse;
}

/**
 * Colour transformations as maps of a pixel's channels: rows [count, channels + 1, channels], the last of which is added: out = in · rows + last.
 * RGB has hue and saturation, a rotation about and a scale across the axis of greys; other images keep their channels apart.
 */
export function colorMaps(
  drawn: ImageParameters,
  count: number,
  channels: number,
  s: Strengths,
): Float32Array {
  const maps = new Float32Array(count * (channels + 1) * channels);
  for (let i = 0; i < count; i++) {
    const of = (column: Float32Array | undefined): number => column?.[i] ?? 0;
    const gain = 2 ** (s.contrastStd * of(drawn.contrast?.[0]));
    // Brightness comes before contrast; grey is neither turned nor scaled by the rest.
    const offset = gain * s.brightnessStd * of(drawn.brightness?.[0]);
    const turn = of(drawn.hue?.[0]);
    const saturation = 2 ** (s.saturationStd * of(drawn.saturation?.[0]));
    for (let from = 0; from < channels; from++) {
      for (let to = 0; to < channels; to++) {
        let value = from === to ? 1 : 0;
        if (channels === 3) {
          // Rodrigues' rotation about (1, 1, 1) / sqrt(3), the part across the axis scaled.
          const across = value - 1 / 3;
          const normal = from === to ? 0 : ((to - from + 3) % 3 === 1 ? 1 : -1) / Math.sqrt(3);
          value = 1 / 3 + saturation * (Math.cos(turn) * across + Math.sin(turn) * normal);
        }
        maps[(i * (channels + 1) + from) * channels + to] = gain * value;
      }
    }
    maps.fill(offset, (i * (channels + 1) + channels) * channels, (i + 1) * (channels + 1) * channels);
  }
  return maps;
}
