import type { Stroke } from "../../datasets/drawn.js";
import { hasLength, MOST_STROKES } from "../settings.js";
import { colors } from "./colors.js";
import { element, surface } from "./dom.js";

/** What an arrow key moves the pen by. */
const NUDGE = 0.025;

type Point = readonly [number, number];

/** The dialog in which a manifold is drawn; points are in [0, 1] x [0, 1], upwards. */
export class Pad {
  private readonly dialog = element<HTMLDialogElement>("pad");
  private readonly canvas = element<HTMLCanvasElement>("pad-canvas");
  private readonly begin = surface(this.canvas, () => this.draw());
  private strokes: Point[][] = [];
  private open: Point[] | undefined;
  private pen: Point = [0.5, 0.5];
  private keyboard = false;

  constructor(private readonly onUse: (strokes: readonly Stroke[]) => void) {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.keyboard = false;
      this.down(this.place(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.open && !this.keyboard)
        for (const each of event.getCoalescedEvents?.() ?? [event]) this.move(this.place(each));
    });
    for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, () => this.up());
    canvas.addEventListener("keydown", (event) => this.key(event));
    element("pad-clear").addEventListener("click", () => {
      this.strokes = [];
      this.open = undefined;
      this.say("Cleared");
    });
    this.dialog.addEventListener("close", () => {
      this.up();
      if (this.dialog.returnValue === "use") this.onUse(this.strokes);
    });
  }

  show(): void {
    this.strokes = [];
    this.open = undefined;
    this.dialog.returnValue = "";
    this.dialog.showModal();
    this.canvas.focus();
    this.say("");
  }

  private key(event: KeyboardEvent): void {
    const moves: Record<string, Point> = {
      ArrowLeft: [-NUDGE, 0],
      ArrowRight: [NUDGE, 0],
      ArrowUp: [0, NUDGE],
      ArrowDown: [0, -NUDGE],
    };
    const by = moves[event.key];
    this.keyboard = true;
    if (by) this.move([clamp(this.pen[0] + by[0]), clamp(this.pen[1] + by[1])]);
    else if (event.key === " ") {
      if (this.open) this.up();
      else this.down(this.pen);
    } else return;
    event.preventDefault();
  }

  private down(at: Point): void {
    this.pen = at;
    const full = this.strokes.length >= MOST_STROKES;
    if (!full) this.open = [at];
    this.say(full ? `At most ${MOST_STROKES} strokes` : "Pen down");
  }

  private move(to: Point): void {
    this.pen = to;
    this.open?.push(to);
    this.draw();
  }

  private up(): void {
    if (!this.open) return;
    if (hasLength(this.open)) this.strokes.push(this.open);
    this.open = undefined;
    const n = this.strokes.length;
    this.say(n === 1 ? "1 stroke drawn" : `${n} strokes drawn`);
  }

  private say(text: string): void {
    element("pad-status").textContent = text;
    element<HTMLButtonElement>("pad-use").disabled = this.strokes.length === 0;
    this.draw();
  }

  private place(event: PointerEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    return [clamp((event.clientX - box.left) / box.width), clamp(1 - (event.clientY - box.top) / box.height)];
  }

  private draw(): void {
    const { context, width, height } = this.begin();
    const ink = colors();
    context.clearRect(0, 0, width, height);
    context.lineWidth = 4;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = ink.text;
    for (const stroke of [...this.strokes, ...(this.open ? [this.open] : [])]) {
      context.beginPath();
      for (const [x, y] of stroke) context.lineTo(x * width, (1 - y) * height);
      context.stroke();
    }
    if (!this.keyboard) return;
    context.fillStyle = this.open ? ink.arms.pixel : ink.muted;
    context.beginPath();
    context.arc(this.pen[0] * width, (1 - this.pen[1]) * height, 6, 0, 2 * Math.PI);
    context.fill();
  }
}

const clamp = (value: number): number => Math.min(1, Math.max(0, value));
