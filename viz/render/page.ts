import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { VegaLiteSpec } from "../spec.js";
import { escapeHTML } from "../text.js";
import { config, inks, type Theme } from "../theme.js";
import { still } from "./still.js";
import { toSVG, withoutSchema } from "./svg.js";

/**
 * A self-contained HTML page with charts: opens from disk, asks the network for nothing (a content security policy makes sure), follows the reader's
 * light or dark theme, prints, and without scripts shows the charts as still images.
 */
export class Page {
  readonly #charts: VegaLiteSpec[] = [];
  readonly #site: Site | undefined;

  /** @param site For a page that is one of several: what they share, such as Vega, lies in files beside it. */
  constructor(site?: Site) {
    this.#site = site;
  }

  /** Adds a chart; the HTML that is returned belongs where it shall appear. */
  chart(spec: VegaLiteSpec): string {
    return slot(this.#charts.push(spec) - 1);
  }

  /** The whole file. `body` is HTML; `title` and `style` are text and CSS. */
  async html(parts: { title: string; body: string; style?: string }): Promise<string> {
    let { body } = parts;
    for (const [i, spec] of this.#charts.entries()) {
      const html = await drawing(i, spec);
      body = body.replace(slot(i), () => html);
    }
    const charts = this.#charts.map((spec) => {
      const { config: _, ...rest } = withoutSchema(spec);
      return rest;
    });
    const drawers = charts.length > 0 ? [...(await this.#libraries()), { text: boot }] : [];
    const scripts: Script[] = [...drawers, ...(this.#site?.scripts ?? []).map((address) => ({ address }))];
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy(scripts, this.#site !== undefined)}">
<meta name="color-scheme" content="light dark">
<title>${escapeHTML(parts.title)}</title>
<style>${pageStyle}${parts.style ?? ""}</style>
</head>
<body>
${body}
${charts.length > 0 ? `<script type="application/json" id="charts">${json({ charts, configs: { light: config("light"), dark: config("dark") } })}</script>\n` : ""}${scripts.map(element).join("\n")}
</body>
</html>
`;
  }

  async #libraries(): Promise<Script[]> {
    if (this.#site) return [{ address: this.#site.libraries }];
    return (await libraries()).map((text) => ({ text }));
  }
}

/** Addresses of files, relative to the page. */
export interface Site {
  /** What `libraries` gives, in one script. */
  libraries: string;
  /** Further scripts of this page. */
  scripts?: readonly string[];
}

/** In the page, or beside it. */
type Script = { text: string } | { address: string };

const element = (script: Script): string =>
  "text" in script
    ? `<script>${script.text}</script>`
    : `<script src="${escapeHTML(script.address)}"></script>`;

/**
 * What a page may load: nothing but itself and, in a site, files of the same site. Of the scripts in the page only ours run, which are named by their hashes: whatever else
 * stands in its HTML is no script. Vega makes functions of text.
 */
function policy(scripts: readonly Script[], site: boolean): string {
  const own = site ? "'self' " : "";
  const hashes = scripts.flatMap((script) =>
    "text" in script ? [`'sha256-${createHash("sha256").update(script.text).digest("base64")}'`] : [],
  );
  return [
    "default-src 'none'",
    ...(scripts.length > 0 ? [`script-src ${own}${hashes.join(" ")} 'unsafe-eval'`] : []),
    "style-src 'unsafe-inline'",
    `img-src ${own}data: blob:`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

/** Unlike any text of a report: escaped text has no angle brackets. */
const slot = (index: number): string => `<chart-${index}></chart-${index}>`;

/** The still image lies in an img of its own, because the ids within charts' SVGs are alike. */
const figure = (index: number, svg: string, title: string): string =>
  `<figure class="chart" data-chart="${index}"><img class="still" alt="${escapeHTML(title)}" src="data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}"><div class="live"></div></figure>`;

/** The figure of a chart; one that Vega cannot draw costs its place and not the whole page. */
async function drawing(index: number, spec: VegaLiteSpec): Promise<string> {
  try {
    return figure(index, still(await toSVG(spec)), titleOf(spec));
  } catch (error) {
    return `<p class="missing">This chart could not be drawn: ${escapeHTML((error as Error).message)}</p>`;
  }
}

function titleOf(spec: VegaLiteSpec): string {
  const title = spec.title as { text?: string | readonly string[] } | string | undefined;
  const text = typeof title === "object" ? title.text : title;
  return Array.isArray(text) ? text.join(" ") : String(text ?? "chart");
}

/** JSON that cannot end the script element it stands in. */
const json = (value: unknown): string => JSON.stringify(value).replace(/</g, "\\u003c");

/** The browser builds of Vega, Vega-Lite and Vega-Embed, in the order in which they need each other. */
export async function libraries(): Promise<string[]> {
  const require = createRequire(import.meta.url);
  const builds = ["vega", "vega-lite", "vega-embed"].map((name) =>
    join(dirname(require.resolve(name)), `${name}.min.js`),
  );
  const texts = await Promise.all(builds.map((path) => readFile(path, "utf8")));
  return texts.map((text) =>
    text.replace(/\/\/# sourceMappingURL=.*$/m, "").replace(/<\/script/gi, "<\\/script"),
  );
}

/** Draws all charts in the reader's theme, again whenever it changes; where that fails the still image stays. */
const boot = `
const { charts, configs } = JSON.parse(document.getElementById("charts").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const views = [];
async function draw(figure) {
  const index = Number(figure.dataset.chart);
  if (views[index]) views[index].finalize();
  try {
    views[index] = await vegaEmbed(figure.querySelector(".live"), charts[index], {
      renderer: "svg",
      config: configs[dark.matches ? "dark" : "light"],
      tooltip: { theme: dark.matches ? "dark" : "light" },
      actions: { export: true, source: false, compiled: false, editor: false },
    });
    figure.classList.add("drawn");
    addPlay(figure, views[index].view, charts[index].usermeta && charts[index].usermeta.play);
  } catch (error) {
    figure.classList.remove("drawn");
    console.error(error);
  }
}
/** A button that steps a parameter of the chart through its frames, from the start again where it has come to the end. */
function addPlay(figure, view, play) {
  const old = figure.querySelector("button.play");
  if (old) old.remove();
  if (!play || play.frames < 2) return;
  const button = document.createElement("button");
  button.className = "play";
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = "▶ play";
  };
  const next = () => {
    const frame = view.signal(play.param) + 1;
    if (frame >= play.frames || !button.isConnected) return stop();
    view.signal(play.param, frame).runAsync();
  };
  button.onclick = () => {
    if (timer) return stop();
    if (view.signal(play.param) >= play.frames - 1) view.signal(play.param, 0).runAsync();
    timer = setInterval(next, 400);
    button.textContent = "❚❚ pause";
  };
  stop();
  figure.append(button);
}
async function drawAll() {
  for (const figure of document.querySelectorAll("figure.chart")) await draw(figure);
  document.documentElement.dataset.charts = "drawn";
}
dark.addEventListener("change", drawAll);
drawAll();
`;

const ink = (theme: Theme): string => {
  const { background, text, muted, line } = inks[theme];
  return `--background:${background};--text:${text};--muted:${muted};--line:${line}`;
};

const pageStyle = `
:root{color-scheme:light dark;${ink("light")}}
@media (prefers-color-scheme:dark){:root{${ink("dark")}}}
body{margin:0 auto;padding:24px 16px 48px;max-width:760px;background:var(--background);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Arimo,Arial,sans-serif}
figure.chart{margin:12px 0 28px;max-width:100%;overflow-x:auto}
figure.chart .still{max-width:100%}
figure.chart.drawn .still{display:none}
figure.chart .vega-embed{padding-right:38px}
figure.chart .vega-embed summary,figure.chart .vega-embed .vega-actions{background:var(--background);color:var(--text);border-color:var(--line)}
figure.chart .vega-embed summary svg{stroke:currentColor;fill:currentColor}
figure.chart .vega-embed .vega-actions a{color:var(--text)}
figure.chart .vega-embed .vega-actions::before,figure.chart .vega-embed .vega-actions::after{display:none}
figure.chart .vega-embed .vega-actions a:hover{background:var(--line);color:var(--text)}
figure.chart .vega-bindings{margin-top:6px;font-size:14px}
figure.chart .vega-bind{margin:2px 0}
figure.chart button.play{font:inherit;font-size:14px;padding:2px 12px;border:1px solid var(--line);border-radius:6px;background:transparent;color:inherit;cursor:pointer}
#vg-tooltip-element img{image-rendering:pixelated}
@media print{
:root{${ink("light")}}
figure.chart{break-inside:avoid;overflow:visible}
figure.chart .live,figure.chart button.play{display:none}
figure.chart.drawn .still{display:block}
}
`;
