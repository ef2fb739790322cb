import { inks, palette, runColor, type Theme } from "../../viz/theme.js";
import type { ArmName } from "../messages.js";

/** Colours of a picture. */
export interface Colors {
  readonly background: string;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly data: string;
  readonly arms: Record<ArmName, string>;
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Those of the charts in reports; on dark ground the palette's lighter blue. */
export function colors(): Colors {
  const theme: Theme = dark.matches ? "dark" : "light";
  return {
    ...inks[theme],
    arms: { pixel: runColor("pixel"), MFD: theme === "dark" ? palette[4] : runColor("MFD") },
  };
}

/** Calls back when the visitor switches between light and dark. */
export const onColorsChange = (redraw: () => void): void => dark.addEventListener("change", redraw);
