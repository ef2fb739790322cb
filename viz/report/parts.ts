import { TangentLabError } from "../../src/errors.js";
import type { Page } from "../render/page.js";
import { escapeHTML, formatNumber } from "../text.js";
import type { Draw } from "./charts.js";

/** The chart's place in the page, or why there is none. */
export function drawn(page: Page, draw: Draw): string {
  try {
    return page.chart(draw());
  } catch (error) {
    if (!(error instanceof TangentLabError)) throw error;
    return `<p class="missing">This chart could not be drawn: ${escapeHTML(error.message)}</p>`;
  }
}

/** A mean above its interval, neither broken. */
export const numberCell = (text: string): string =>
  `<span style="white-space:nowrap">${escapeHTML(text).replace(" (", "<br>(")}</span>`;

export type Facts = Readonly<Record<string, unknown>>;

/** A row per fact; what is nested becomes rows of its own, and a group of plain values one row: "steps 3000, batch size 128". */
export const factTable = (facts: Facts): string =>
  `<table>${factRows(facts)
    .map(([name, text]) => `<tr><th scope="row">${escapeHTML(name)}</th><td>${escapeHTML(text)}</td></tr>`)
    .join("")}</table>`;

function factRows(facts: Facts, path: readonly string[] = []): [name: string, text: string][] {
  return Object.entries(facts).flatMap(([name, value]): [string, string][] => {
    const names = [...path, words(name)];
    if (!isGroup(value) || Object.values(value).every((part) => !isGroup(part)))
      return [[names.join(": "), factText(value)]];
    return factRows(value, names);
  });
}

const isGroup = (value: unknown): value is Facts =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A setting as people write it. */
export function factText(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : formatNumber(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null || value === undefined) return "none";
  if (Array.isArray(value)) return value.map(factText).join(", ");
  if (isGroup(value))
    return Object.entries(value)
      .map(([name, part]) => `${words(name)} ${factText(part)}`)
      .join(", ");
  return String(value);
}

/** "batchSize" -> "batch size"; names of other kinds stay as they are. */
export const words = (name: string): string =>
  /^[a-z]+([A-Z][a-z0-9]*)+$/.test(name)
    ? name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    : name;

export interface MoreToRead {
  text: string;
  /** What the link says. */
  link: string;
  href: string;
}

/** Broken between phrases before within one. */
const phrase = (text: string): string => `<span>${escapeHTML(text)}</span>`;

/** Title, date, contents and the few numbers that matter. */
export function header(parts: {
  title: string;
  /** ISO 8601. */
  date: string;
  seconds: number;
  contents: readonly { id: string; title: string }[];
  cards: readonly { label: string; value: string; detail: string }[];
  text?: string;
  /** Under the cards: a sentence and a link to where more is. */
  more?: MoreToRead;
}): string {
  const { title, date, seconds, contents, cards, text, more } = parts;
  const links = contents.map((part) => `<a href="#${part.id}">${escapeHTML(part.title)}</a>`);
  const boxes = cards.map(
    ({ label, value, detail }) =>
      `<div class="card"><h2>${escapeHTML(label)}</h2><p class="value">${value
        .split(/(?<=,) /)
        .map(phrase)
        .join(" ")}</p><p class="detail">${escapeHTML(detail)}</p></div>`,
  );
  return `<header><h1>${escapeHTML(title)}</h1>
<p class="muted">${escapeHTML(date.replace(/^(.{10})T(.{5}).*Z$/, "$1 $2 UTC"))}, computed in ${escapeHTML(duration(seconds))}</p>
${text ? `<p>${escapeHTML(text)}</p>` : ""}<nav>${links.join(" · ")}</nav></header>
<section class="cards">${boxes.join("")}</section>
${more ? `<p class="muted">${escapeHTML(more.text)} ${link(more)}</p>` : ""}`;
}

/** A link to a page: text alone where the address is of a kind that does something else, such as `javascript:`. */
function link({ link: text, href }: MoreToRead): string {
  // Browsers skip spaces and control characters in front of an address and within its scheme.
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(href.replace(/[\p{Cc}\s]/gu, ""))?.[1]?.toLowerCase();
  const isPage = scheme === undefined || ["http", "https", "mailto"].includes(scheme);
  return isPage ? `<a href="${escapeHTML(href)}">${escapeHTML(text)}</a>` : escapeHTML(text);
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60
    ? `${formatNumber(seconds < 10 ? Number(seconds.toFixed(1)) : whole)} s`
    : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export const style = `
h1{margin:0 0 4px;font-size:28px;line-height:1.25}
h2{margin:40px 0 8px;padding-top:12px;border-top:1px solid var(--line);font-size:22px}
h3{margin:28px 0 4px;font-size:17px}
p{margin:4px 0 10px}
a{color:inherit}
.muted,.missing{color:var(--muted)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:12px;margin:20px 0 14px}
.card{border:1px solid var(--line);border-radius:8px;padding:12px 14px;break-inside:avoid}
.card h2{margin:0;padding:0;border:0;font-size:14px;font-weight:normal}
.card .value{margin:4px 0;font-size:19px;font-weight:bold;font-variant-numeric:tabular-nums}
.card .value span{display:inline-block}
.card .detail{margin:0;font-size:13px;color:var(--muted)}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:3px 12px 3px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:normal;color:var(--muted)}
th[scope=col]{color:var(--text);font-weight:bold}
@media print{body{max-width:none}h2,h3,h2+p,h3+p{break-after:avoid}p{break-inside:avoid}.wide{overflow:visible}table{font-size:10px}}
`;
