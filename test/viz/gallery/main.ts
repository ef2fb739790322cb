// Draws every chart, light and dark, into report/gallery: `npm run gallery`. With --update it also renews the pictures that tests compare with.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toPNG } from "../../../viz/index.js";
import { baselineFolder, baselinePNG } from "./baseline.js";
import { gallery } from "./charts.js";

const [only] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const update = process.argv.includes("--update");
const folder = join("report", "gallery");
await mkdir(folder, { recursive: true });
for (const [name, draw] of Object.entries(gallery)) {
  if (only !== undefined && !name.includes(only)) continue;
  const spec = await draw();
  for (const theme of ["light", "dark"] as const)
    await writeFile(join(folder, `${name}-${theme}.png`), await toPNG(spec, { theme, scale: 1.5 }));
  if (update) {
    await mkdir(baselineFolder, { recursive: true });
    await writeFile(join(baselineFolder, `${name}.png`), await baselinePNG(spec));
  }
  console.log(name);
}
console.log(`in ${folder}`);
