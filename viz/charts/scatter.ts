import { check, required } from "../../src/errors.js";
import { frame, notebookWidth } from "../frame.js";
import { planeOf } from "../projections/pca.js";
import { fading, matrixShape, type Projection, thin } from "../projections/projection.js";
import type { Points, VegaLiteSpec, View } from "../spec.js";
import { drawable, formatCount } from "../text.js";
import { fontSizes, inks, runColors } from "../theme.js";
import { checkPoints, checkSize } from "../validate.js";
import { panelTitle } from "./heat.js";
import {
  countOutside,
  hiddenAxes,
  panelDigits,
  places,
  planePanel,
  pointLayers,
  roundedPlaces,
  squareAround,
  withDepth,
} from "./planes.js";

/** What `scatter` draws. */
export interface ScatterInput {
  /** Points [count, dim] by the names of their panels. */
  panels: { readonly [name: string]: Points };
  /** Points of the same dimension to draw behind in every panel, such as data; the panels' scale then is theirs. */
  reference?: Points;
  /** Default: points in the plane as they are, others on the two principal axes of `reference`, or of the first panel where there is none. */
  projection?: Projection;
  /** What changes from panel to panel: one panel is drawn, and a slider of this name chooses whose points are in it. Default: panels side by side. */
  slider?: string;
  title?: string;
  /** Sentences to stand first under the chart. */
  caption?: readonly string[];
  /** Of the whole chart, in pixels. Default 600. */
  width?: number;
}

/** Most points that are drawn in a panel, and most behind them. */
const maxPoints = 500;
/** Panels beside each other, and the widest of them. */
const maxColumns = 4;
const widest = 280;
const gap = 8;
/** The slider's parameter: which panel is shown. */
const chosen = "panel";

/**
 * Points in panels side by side, all with the same scale: data, noise, samples of several models. A panel called "data" is grey; others
 * have the colours that runs of their names have in every chart. Of more than 500 points in a panel, 500 are drawn.
 * @throws TangentLabError `invalid-argument` for no panels, points of different dimensions, and values that are not finite.
 */
export function scatter(input: ScatterInput): VegaLiteSpec {
  required("input", input, "the data of the chart");
  check.only("scatter", input, ["panels", "reference", "projection", "slider", "title", "caption", "width"]);
  const { reference, slider, caption = [], width = notebookWidth } = input;
  checkSize("width", width);
  check(slider === undefined || (typeof slider === "string" && slider !== ""), "slider", slider, "text");
  const panels = readPanels(input);
  const basis = reference ?? panels[0]!.points;
  const projection = input.projection ?? planeOf(reference ? "reference" : "panels", basis);
  const drawn = panels.map(({ points }) => thin(points, maxPoints));
  const at = drawn.map((points) => roundedPlaces(projection.project(points), panelDigits));
  const behind = reference && thin(reference, maxPoints);
  const behindAt = behind && roundedPlaces(projection.project(behind), panelDigits);
  // Without something to compare with, all is to be seen.
  const limits = behindAt ? squareAround(behindAt, { room: 0.65 }) : squareAround(at.flat(), { room: 0.53 });
  const faded = behind && behindAt && withDepth(behindAt, fading(projection, behind));
  const columns = slider === undefined ? Math.min(panels.length, maxColumns) : 1;
  const side = Math.min(widest, Math.floor((width - 16 - (columns - 1) * gap) / columns));
  const names = panels.map(({ name }) => name);
  // What a slider changes is one thing: a panel is no other run than the one before.
  const colors = slider === undefined ? panelColors(names) : names.map(() => runColors([slider])[0]!);
  const views = panels.map(({ name }, i): View => {
    const encoding = hiddenAxes(limits, { title: null, color: colors[i]! });
    const title = panelTitle(name, colors[i]);
    const layers = pointLayers(at[i]!, encoding, colors[i]!, faded, { size: 12, opacity: 0.6 });
    return slider === undefined
      ? planePanel({ title, side }, layers)
      : { layer: [...layers, nameLayer(name, colors[i]!)] };
  });
  const most = Math.max(...panels.map(({ points }) => points.shape[0]!));
  const outside = countOutside(
    panels.flatMap(({ points }) => places(projection.project(points))),
    limits,
  );
  const where = slider === undefined ? "panels" : "frame, at all places of the slider together";
  const note = reference ? projection.note : projection.note?.replace("the data", "the first panel");
  const spec = frame({
    title: input.title ?? panels.map(({ name }) => name).join(", "),
    caption: [
      ...caption,
      ...(reference ? ["Grey, behind: data."] : []),
      ...(note === undefined ? [] : [note]),
      ...(most > maxPoints ? [`At most ${maxPoints} of ${formatCount(most)} points drawn in a panel.`] : []),
      ...(outside > 0
        ? [`Outside the ${where}: ${formatCount(outside)} point${outside === 1 ? "" : "s"}.`]
        : []),
    ],
    indent: 0,
    width,
    view:
      slider === undefined
        ? { concat: views, columns, spacing: gap }
        : planePanel({ side }, views.flatMap(oneAtATime)),
  });
  return slider === undefined ? spec : { ...spec, ...sliderOf(slider, panels.length) };
}

/** A panel's layers; those of points and names appear where the slider is at them, the data behind always. */
const oneAtATime = ({ layer }: View, panel: number): View[] =>
  (layer as View[]).flatMap((each) => {
    const { name, values } = each.data as { name?: string; values: object[] };
    if (name === "background") return panel === 0 ? [each] : [];
    return [{ ...each, data: { values }, transform: [{ filter: `${chosen} === ${panel}` }] }];
  });

/** A panel's name within it: with a slider there is no title that could change. */
const nameLayer = (text: string, color: string): View => ({
  data: { values: [{}] },
  mark: {
    type: "text",
    align: "left",
    baseline: "top",
    fontSize: fontSizes.label,
    fontWeight: "bold",
    color,
  },
  encoding: { x: { value: 6 }, y: { value: 6 }, text: { value: text } },
});

/** Also a play button, in pages. */
const sliderOf = (title: string, count: number): View => ({
  usermeta: { play: { param: chosen, frames: count } },
  params: [
    {
      name: chosen,
      // In the middle: pictures, which have no slider, show neither end.
      value: Math.floor((count - 1) / 2),
      ...(count > 1 && { bind: { input: "range", min: 0, max: count - 1, step: 1, name: `${title} ` } }),
    },
  ],
});

function readPanels({ panels, reference }: ScatterInput): { name: string; points: Points }[] {
  const allowed = "points by the names of their panels, e.g. { data: { shape: [100, 2], values } }";
  const isTable = !Array.isArray(required("panels", panels, allowed)) && Object.keys(panels).length > 0;
  check(isTable, "panels", panels, allowed);
  const read = Object.entries(panels).map(([name, points]) => {
    checkPoints(`panels.${name}`, points, ["count", "dim"]);
    return { name: drawable(name), points };
  });
  const [, dim] = matrixShape(read[0]!.points);
  if (reference !== undefined) {
    checkPoints("reference", reference, ["count", "dim"]);
    check(reference.shape[1] === dim, "reference.shape", reference.shape, `[count, ${dim}]`);
  }
  for (const { name, points } of read)
    check(points.shape[1] === dim, `panels.${name}.shape`, points.shape, `[count, ${dim}]`);
  return read;
}

/** Data have the ink of data; they take no colour from the runs. */
function panelColors(names: readonly string[]): string[] {
  const isData = (name: string): boolean => name.toLowerCase() === "data";
  const colors = runColors(names.filter((name) => !isData(name)));
  return names.map((name) => (isData(name) ? inks.light.data : colors.shift()!));
}
