import { check, required } from "../src/errors.js";
import { type FactorDataset, factorImages } from "./factor-images.js";
import type { Vector } from "./manifold.js";

/** Options of `shapes`. */
export interface ShapesOptions {
  /** Height and width, from 8 to 64. Default 16. */
  size?: number;
  /** Adds a fifth factor, the hue: RGB images. Default false: grey ones. */
  colour?: boolean;
}

/** Lengths in half an image's width, from its middle; angles in radians. */
const factors = [
  { name: "x", min: -0.4, max: 0.4 },
  { name: "y", min: -0.4, max: 0.4 },
  { name: "radius", min: 0.3, max: 0.5 },
  { name: "angle", min: 0, max: Math.PI, periodic: true },
] as const;
const hue = { name: "hue", min: 0, max: 1, periodic: true } as const;

/** Its shorter half-axis as a share of the longer one. */
const ASPECT = 0.5;
/** How fast the edge falls off; about two pixels wide at 16 x 16. */
const SHARPNESS = 3;

/**
 * Images of one soft ellipse on black with known factors: place (x, y), radius of its longer half-axis, angle and, in colour, hue. Every image is a smooth
 * function of its 4 or 5 factors, so that nearest points and tangent spaces of their manifold are known. The share of a tangent along it can thus be measured
 * on images. Images [size, size, 1 or 3] in [-1, 1].
 */
export function shapes(options: ShapesOptions = {}): FactorDataset {
  const { size = 16, colour = false } = required("options", options);
  check(Number.isInteger(size) && size >= 8 && size <= 64, "size", size, "an integer from 8 to 64");
  return factorImages({
    name: colour ? "shapes-rgb" : "shapes",
    shape: [size, size, colour ? 3 : 1],
    factors: colour ? [...factors, hue] : factors,
    render: colour ? (values) => inColour(values, size) : (values) => ellipse(values, size, 2, -1),
  });
}

/** shift + scale * logistic(SHARPNESS (1 - rho^2)), rho = 1 on the ellipse: smooth in all factors, in the middle too. */
function ellipse(values: Vector, size: number, scale: number, shift: number): Float64Array {
  const [x, y, radius, angle] = values as [number, number, number, number];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const out = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    const dy = (2 * row + 1) / size - 1 - y;
    for (let column = 0; column < size; column++) {
      const dx = (2 * column + 1) / size - 1 - x;
      const u = (cos * dx + sin * dy) / radius;
      const v = (cos * dy - sin * dx) / (radius * ASPECT);
      out[row * size + column] = shift + scale / (1 + Math.exp(SHARPNESS * (u * u + v * v - 1)));
    }
  }
  return out;
}

/** The ellipse in a colour of the circle of hues. */
function inColour(values: Vector, size: number): Float64Array {
  const grey = ellipse(values, size, 1, 0);
  const rgb = [0, 1, 2].map((c) => 1 + Math.cos(2 * Math.PI * (values[4]! - c / 3)));
  const out = new Float64Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) for (let c = 0; c < 3; c++) out[3 * i + c] = grey[i]! * rgb[c]! - 1;
  return out;
}
