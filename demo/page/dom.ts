import { fontFamily } from "../../viz/theme.js";

/** The element of the page with this id. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id} in the page`);
  return found as T;
}

/** A canvas to draw on in CSS pixels. */
export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
}

/** A canvas that is as sharp as the screen; calls back when its size has changed. */
export function surface(canvas: HTMLCanvasElement, onResize: () => void): () => Surface {
  const context = canvas.getContext("2d")!;
  const fit = (): void => {
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width === width && canvas.height === height) return;
    canvas.width = width;
    canvas.height = height;
    onResize();
  };
  new ResizeObserver(fit).observe(canvas);
  return () => {
    fit();
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.font = `12px ${fontFamily}`;
    return { context, width: canvas.clientWidth, height: canvas.clientHeight };
  };
}
