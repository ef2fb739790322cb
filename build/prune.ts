// Removes from dist what no source makes any more, such as a file that was renamed: part of `npm run build`, because all of dist is published.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
for (const path of readdirSync(join(root, "dist"), { recursive: true, encoding: "utf8" })) {
  const [, source] = /^(.*?)(?:\.d\.ts|\.js)$/.exec(path) ?? [];
  if (source !== undefined && !existsSync(join(root, `${source}.ts`))) rmSync(join(root, "dist", path));
}
