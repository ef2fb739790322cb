import { inks, palette, runColors, type Theme } from "../../viz/theme.js";
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
  const [pixel, MFD] = runColors(["pixel", "MFD"]) as [string, string];
  return {
    ...inks[theme],
    arms: { pixel, MFD: theme === "dark" ? palette[4] : MFD },
  };
}

/** Calls back when the visitor switches between light and dark. */
export const onColorsChange = (redraw: () => void): void => dark.addEventListener("change", redraw);
