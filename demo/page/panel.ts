import { contours } from "d3-contour";
import type { ArmName, Relief } from "../messages.js";
import { ARROW, VIEW } from "../messages.js";
import type { Layer } from "../settings.js";
import { colors } from "./colors.js";
import { surface } from "./dom.js";
import type { Arrows } from "./motion.js";

/** What a panel shows; rows of 2. */
export interface Scene {
  data: Float32Array;
  samples: Float32Array | undefined;
  arrows: Arrows | undefined;
  relief: Relief | undefined;
  show: readonly Layer[];
}

/** The picture of one model; draws only what has changed since the last time. */
export class Panel {
  private readonly begin: ReturnType<typeof surface>;
  /** Data and level sets hardly ever change. */
  private backdrop: { canvas: OffscreenCanvas; of: unknown[] } | undefined;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly arm: ArmName,
    onResize: () => void,
  ) {
    this.begin = surface(canvas, onResize);
  }

  draw(scene: Scene): void {
    const { context, width } = this.begin();
    const { arms } = colors();
    context.drawImage(this.behind(scene, width), 0, 0, width, width);
    const scale = width / (2 * VIEW);
    const x = (value: number): number => (value + VIEW) * scale;
    const y = (value: number): number => (VIEW - value) * scale;
    if (scene.samples && scene.show.includes("samples")) {
      context.fillStyle = arms[this.arm];
      context.globalAlpha = 0.5;
      dots(context, scene.samples, x, y, Math.max(1.3, width / 230));
    }
    context.strokeStyle = arms[this.arm];
    context.lineCap = "round";
    if (scene.arrows && scene.show.includes("past")) {
      context.lineWidth = Math.max(1, width / 400);
      scene.arrows.past.forEach(({ from, to }, i, all) => {
        context.globalAlpha = (0.32 * (i + 1)) / all.length;
        context.beginPath();
        for (let k = 0; k < from.length; k += 2) {
          context.moveTo(x(from[k]!), y(from[k + 1]!));
          context.lineTo(x(from[k]! + ARROW * to[k]!), y(from[k + 1]! + ARROW * to[k + 1]!));
        }
        context.stroke();
      });
    }
    context.globalAlpha = 1;
    if (scene.arrows && scene.show.includes("tangents")) {
      context.lineWidth = Math.max(1.6, width / 220);
      const { from, to } = scene.arrows;
      const head = ARROW * scale * 0.36;
      context.beginPath();
      for (let k = 0; k < from.length; k += 2) {
        const [ax, ay] = [x(from[k]!), y(from[k + 1]!)];
        const [dx, dy] = [to[k]! * ARROW * scale, -to[k + 1]! * ARROW * scale];
        const length = Math.hypot(dx, dy);
        if (length < 1) continue;
        arrow(context, ax, ay, dx, dy, Math.min(head, 0.6 * length) / length);
      }
      context.stroke();
    }
  }

  private behind({ data, relief, show }: Scene, width: number): OffscreenCanvas {
    const ink = colors();
    const of = [
      data,
      this.arm === "MFD" && show.includes("levels") ? relief : undefined,
      this.canvas.width,
      ink.background,
    ];
    if (this.backdrop?.of.every((value, i) => value === of[i])) return this.backdrop.canvas;
    const canvas = new OffscreenCanvas(this.canvas.width || 1, this.canvas.width || 1);
    const context = canvas.getContext("2d")!;
    context.scale(canvas.width / width, canvas.width / width);
    context.fillStyle = ink.background;
    context.fillRect(0, 0, width, width);
    if (of[1]) drawLevels(context, of[1] as Relief, width, ink.arms.MFD);
    const scale = width / (2 * VIEW);
    context.globalAlpha = 0.8;
    context.fillStyle = ink.data;
    dots(
      context,
      data,
      (value) => (value + VIEW) * scale,
      (value) => (VIEW - value) * scale,
      Math.max(0.9, width / 330),
    );
    this.backdrop = { canvas, of };
    return canvas;
  }
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

function dots(
  context: Context,
  points: Float32Array,
  x: (value: number) => number,
  y: (value: number) => number,
  radius: number,
): void {
  context.beginPath();
  for (let i = 0; i < points.length; i += 2) {
    const [px, py] = [x(points[i]!), y(points[i + 1]!)];
    context.moveTo(px + radius, py);
    context.arc(px, py, radius, 0, 2 * Math.PI);
  }
  context.fill();
}

/** A line with a head whose wings have the given share of its length. */
function arrow(context: Context, x: number, y: number, dx: number, dy: number, wing: number): void {
  context.moveTo(x, y);
  context.lineTo(x + dx, y + dy);
  for (const side of [0.62, -0.62]) {
    context.moveTo(x + dx, y + dy);
    context.lineTo(x + dx - wing * (dx + side * dy), y + dy - wing * (dy - side * dx));
  }
}

/** Lines of equal height of the feature map, at equal steps of height. */
function drawLevels(context: Context, { values, size }: Relief, width: number, color: string): void {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const heights = Array.from({ length: 16 }, (_, i) => low + ((high - low) * (i + 0.5)) / 16);
  const at = (value: number): number => ((value - 0.5) / (size - 1)) * width;
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.globalAlpha = 0.45;
  context.beginPath();
  for (const { coordinates } of contours().size([size, size]).thresholds(heights)(Array.from(values)))
    for (const ring of coordinates.flat())
      ring.forEach((point, i) => {
        const [px, py] = point as [number, number];
        // A ring closes along the picture's edge: those pieces are no level sets.
        const edge = (value: number): boolean => value <= 0.5 || value >= size - 0.5;
        if (
          i === 0 ||
          (edge(px) && edge(py)) ||
          (edge(px) && px === ring[i - 1]![0]) ||
          (edge(py) && py === ring[i - 1]![1])
        )
          context.moveTo(at(px), width - at(py));
        else context.lineTo(at(px), width - at(py));
      });
  context.stroke();
}
