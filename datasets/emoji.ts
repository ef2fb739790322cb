import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { setImmediate } from "node:timers/promises";
import { check, required, TangentLabError } from "../src/errors.js";
import { rasterizeSquare } from "../src/io/resvg.js";
import { cached } from "./cache.js";
import { type CaptionedDataset, captioned } from "./captioned.js";
import { article } from "./objects.js";
import { nearestPicture } from "./templates.js";

/** The packages the pictures come from; each must be installed. What is made of them stays under their licences. */
export const emojiStyles = {
  twemoji: { package: "@iconify-json/twemoji", licence: "CC-BY-4.0", by: "Twitter and contributors" },
  noto: { package: "@iconify-json/noto", licence: "Apache-2.0", by: "Google" },
  fluent: { package: "@iconify-json/fluent-emoji-flat", licence: "MIT", by: "Microsoft" },
} as const;

/** A set of drawings, one of `emojiStyles`. */
export type EmojiStyle = keyof typeof emojiStyles;

/** Options of `emoji`. */
export interface EmojiOptions {
  /** Height and width: 24 (default) or 32. */
  size?: 24 | 32;
  /** Default all three. */
  styles?: readonly EmojiStyle[];
  /**
   * "people" (default): persons, men and women in up to 69 roles with up to 6 skin tones, whose attributes can be scored; a fifth of the pairs of role and
   * skin tone is held out. "all": every emoji that the chosen styles share, by its CLDR name; nothing is held out.
   */
  set?: "people" | "all";
}

interface Emoji {
  hexcode: string;
  label: string;
  /** 0 is the default yellow, 1 to 5 are skin tones from light to dark. */
  tone: number;
}

interface Scene extends Emoji {
  style: EmojiStyle;
}

const tones = ["default", "light", "medium-light", "medium", "medium-dark", "dark"] as const;

/**
 * Emoji as RGB images [size, size, 3] over white, captioned with their CLDR names in English (emojibase-data). The read-out takes the nearest
 * picture.
 * @throws TangentLabError `file-system` naming a package that is not installed, `invalid-argument` for other options.
 */
export async function emoji(options: EmojiOptions = {}): Promise<CaptionedDataset> {
  required("options", options);
  const { size = 24, styles = Object.keys(emojiStyles) as EmojiStyle[], set = "people" } = options;
  check(size === 24 || size === 32, "size", size, "24 or 32");
  check(set === "people" || set === "all", "set", set, '"people" or "all"');
  check(
    Array.isArray(styles) && styles.length > 0 && styles.every((style) => Object.hasOwn(emojiStyles, style)),
    "styles",
    styles,
    `one or more of ${Object.keys(emojiStyles).join(", ")}`,
  );
  const bodies = await Promise.all([...new Set(styles)].map(readStyle));
  const known = (await readNames()).filter(({ hexcode }) => bodies.every(({ svg }) => svg.has(hexcode)));
  const chosen = set === "all" ? known : known.filter((entry) => personOf(entry) !== undefined);
  const drawable: Scene[] = chosen.flatMap((entry) => bodies.map(({ style }) => ({ ...entry, style })));
  const { pixels, drawn } = await cached(
    `emoji-${set}-${size}-${bodies.map(({ style }) => style).join("-")}`,
    [size, drawable, bodies.map(({ version }) => version)],
    () => drawAll(drawable, bodies, size),
  );
  // Two of Noto's icons cannot be drawn: those emoji are left out in all styles.
  const whole = new Set(
    chosen.flatMap(({ hexcode }, i) =>
      bodies.every((_, j) => drawn!.data[i * bodies.length + j]) ? [hexcode] : [],
    ),
  );
  const width = size * size * 3;
  const scenes = drawable.flatMap((scene, i) =>
    whole.has(scene.hexcode)
      ? [{ ...scene, pixels: (pixels!.data as Uint8Array).subarray(i * width, (i + 1) * width) }]
      : [],
  );
  const described = scenes.map((scene) => describe(scene, set));
  return captioned<number>({
    name: `emoji-${set}-${size}`,
    shape: [size, size, 3],
    attributes: valuesOf(described.map(({ attributes }) => attributes)),
    scenes: scenes.map((_, i) => i),
    variants: 1,
    describe: (i) => described[i]!,
    write: (i, _variant, out, offset) => {
      const { pixels } = scenes[i]!;
      for (let k = 0; k < pixels.length; k++) out[offset + k] = pixels[k]! / 127.5 - 1;
    },
    readOut: nearestPicture(
      scenes.map(({ pixels }) => pixels),
      described.map(({ attributes }) => attributes),
    ),
  });
}

/** `pixels` [scenes, size, size, 3], and in `drawn` 1 for each scene that could be drawn. */
async function drawAll(
  scenes: readonly Scene[],
  bodies: readonly { style: EmojiStyle; svg: Map<string, string> }[],
  size: number,
): Promise<Record<string, { shape: number[]; data: Uint8Array }>> {
  const width = size * size * 3;
  const pixels = new Uint8Array(scenes.length * width);
  const drawn = new Uint8Array(scenes.length);
  for (const [i, { style, hexcode }] of scenes.entries()) {
    const svg = bodies.find((body) => body.style === style)!.svg.get(hexcode)!;
    const picture = await rasterizeSquare(svg, size).catch(() => undefined);
    if (picture) pixels.set(picture, i * width);
    drawn[i] = picture ? 1 : 0;
    if (i % 64 === 0) await setImmediate(); // signals have their turn
  }
  return {
    pixels: { shape: [scenes.length, size, size, 3], data: pixels },
    drawn: { shape: [scenes.length], data: drawn },
  };
}

/** The values of every attribute, in the order in which they appear. */
function valuesOf(list: readonly Readonly<Record<string, string>>[]): Record<string, string[]> {
  const sets: Record<string, Set<string>> = {};
  for (const attributes of list) {
    for (const [name, value] of Object.entries(attributes)) {
      sets[name] ??= new Set();
      sets[name].add(value);
    }
  }
  return Object.fromEntries(Object.entries(sets).map(([name, values]) => [name, [...values]]));
}

function describe(
  scene: Scene,
  set: "people" | "all",
): { attributes: Record<string, string>; captions: string[]; heldOut: boolean } {
  const { label, style, tone } = scene;
  if (set === "all") {
    return {
      attributes: { style, name: label },
      captions: [`${label}, ${style} style`, `${style} emoji of ${label}`],
      heldOut: false,
    };
  }
  const { person, role } = personOf(scene)!;
  const skin = tones[tone]!;
  const toned = tone === 0 ? "" : ` with ${skin} skin`;
  const named = `${person} ${role}${toned}`;
  return {
    attributes: { style, person, role, "skin tone": skin },
    captions: [
      `${article(person)} ${named}, ${style} style`,
      `${style} emoji of ${article(person)} ${named}`,
    ],
    heldOut: tone > 0 && (hash(role) + tone) % 5 === 0,
  };
}

/** A sum that differs between roles: which tone of a role is held out. */
const hash = (text: string): number => [...text].reduce((sum, letter) => sum + letter.codePointAt(0)!, 0);

const personCodes: Readonly<Record<string, string>> = { "1F9D1": "person", "1F468": "man", "1F469": "woman" };
const genderSigns: Readonly<Record<string, string>> = { "2642": "man", "2640": "woman" };

/**
 * Person and role of an emoji's CLDR name, where it is one of a person doing something: "man farmer: dark skin tone" is a man, farmer. Undefined for
 * others, among them families and couples.
 */
function personOf({ hexcode, label }: Emoji): { person: string; role: string } | undefined {
  const codes = hexcode.split("-").filter((code) => !/^1F3F[B-F]$|^FE0F$|^200D$/.test(code));
  const name = label.replace(/:? (light|medium-light|medium|medium-dark|dark) skin tone$/, "");
  const [first, second] = codes as [string, string?];
  if (codes.length > 2 || /[:,]/.test(name)) return undefined;
  const person = personCodes[first] ?? (second && genderSigns[second]);
  if (person === undefined || second === undefined) return undefined;
  const role = name.replace(/\b(man|woman|men|women|person|people)\b ?/g, "").trim();
  return { person, role: /^mer(man|maid|person)$/.test(role) ? "merfolk" : role };
}

interface IconSet {
  icons: Record<string, { body: string; width?: number; height?: number }>;
  aliases?: Record<string, { parent: string }>;
  width?: number;
  height?: number;
}

/** SVG texts by hexcode without variation selectors, and the package's version. */
async function readStyle(
  style: EmojiStyle,
): Promise<{ style: EmojiStyle; svg: Map<string, string>; version: string }> {
  const { package: name } = emojiStyles[style];
  const chars = (await readPackage(`${name}/chars.json`, name)) as Record<string, string>;
  const {
    icons,
    aliases = {},
    width = 16,
    height = 16,
  } = (await readPackage(`${name}/icons.json`, name)) as IconSet;
  const svg = new Map<string, string>();
  for (const [code, id] of Object.entries(chars)) {
    const icon = icons[id] ?? icons[aliases[id]?.parent ?? ""];
    if (!icon) continue;
    const box = `0 0 ${icon.width ?? width} ${icon.height ?? height}`;
    svg.set(plainCode(code), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}">${icon.body}</svg>`);
  }
  const { version } = (await readPackage(`${name}/package.json`, name)) as { version: string };
  return { style, svg, version };
}

const plainCode = (code: string): string =>
  code
    .toUpperCase()
    .split("-")
    .filter((part) => part !== "FE0F")
    .join("-");

async function readNames(): Promise<Emoji[]> {
  type Entry = { hexcode: string; label: string; group?: number; tone?: number | number[]; skins?: Entry[] };
  const entries = (await readPackage("emojibase-data/en/data.json", "emojibase-data")) as Entry[];
  return entries
    .filter(({ group }) => group !== undefined)
    .flatMap((entry) => [entry, ...(entry.skins ?? [])])
    .filter(({ tone }) => !Array.isArray(tone))
    .map(({ hexcode, label, tone }) => ({
      hexcode: plainCode(hexcode),
      label,
      tone: typeof tone === "number" ? tone : 0,
    }));
}

const require = createRequire(import.meta.url);

async function readPackage(path: string, name: string): Promise<unknown> {
  try {
    const file = require.resolve(path, { paths: [import.meta.dirname, process.cwd()] });
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new TangentLabError("file-system", `${name} was not found: npm install ${name}`, {
      argument: "styles",
      cause,
    });
  }
}
