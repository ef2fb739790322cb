// The pictures of the lessons in README's table: a chart of each, small.
import { join } from "node:path";
import sharp from "sharp";
import { readNotebook } from "../notebooks/file.js";
import { writeFileAtomically } from "../src/io/files.js";
import { toPNG } from "../viz/index.js";
import { lessons, root } from "./documents.js";
import { chartsOf } from "./lessons.js";

/** The chart that tells most of each lesson, by its place among the lesson's charts. */
const telling: Readonly<Record<string, number>> = {
  "01": 9,
  "02": 4,
  "03": 1,
  "04": 8,
  "05": 7,
  "06": 2,
  "07": 7,
  "08": 3,
  "09": 1,
};

const size = { width: 240, height: 160 };

/** Writes docs/lessons/NN.png for every lesson; a line of text about each. */
export async function writeThumbnails(folder = join(root, "docs/lessons")): Promise<string[]> {
  const lines: string[] = [];
  for (const path of await lessons()) {
    const number = /(\d+)-/.exec(path)![1]!;
    const chart = chartsOf(await readNotebook(join(root, path)))[telling[number]!];
    if (!chart)
      throw new Error(`${path} has no chart ${telling[number]}: mend the table in site/thumbnails.ts`);
    // At this size nobody reads titles: what is drawn gets their room.
    const { title: _, ...untitled } = chart;
    const trimmed = await sharp(await toPNG(untitled))
      .trim({ background: "white" })
      .toBuffer();
    const png = await sharp(trimmed)
      .resize({ ...size, fit: "contain", background: "white" })
      .flatten({ background: "white" })
      .png({ palette: true, colours: 128, effort: 10 })
      .toBuffer();
    await writeFileAtomically(join(folder, `${number}.png`), png);
    lines.push(`docs/lessons/${number}.png: ${(png.length / 1000).toFixed(1)} kB`);
  }
  return lines;
}
