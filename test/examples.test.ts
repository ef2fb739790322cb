import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { datasets, engine } from "../src/index.js";
import { writeFileAtomically } from "../src/io/files.js";
import { encodePng } from "../src/io/png.js";

// Each program in examples/, with few steps, on the built package, in an empty folder.
const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** Pages: test/diffusion/onnx-file.test.ts opens this one. */
const pages = ["generator.html"];

/** What each leaves in the folder where it runs. */
const leaves: Record<string, string[]> = {
  "mfd.ts": ["parallel-share.html", "tangents.html"],
  "own-images.ts": ["own-images", "own-images.png", "photos"],
  "own-network.ts": [],
  "pretrained.ts": ["random.safetensors", "tuned.safetensors"],
  "soft-tokens.ts": ["flow.safetensors", "soft-tokens.png", "tokens.safetensors"],
  "train.ts": ["digits.png", "digits.safetensors"],
};

test("every example is listed here and has 15 to 40 lines", async () => {
  const files = (await readdir(join(root, "examples"))).sort();
  assert.equal(files, [...Object.keys(leaves), ...pages].sort());
  for (const file of files) {
    const lines = (await readFile(join(root, "examples", file), "utf8")).trimEnd().split("\n").length;
    const most = pages.includes(file) ? 45 : 40;
    assert.ok(lines >= 15 && lines <= most, `${file}: ${lines} lines`);
  }
});

for (const [file, expected] of Object.entries(leaves)) {
  test(`examples/${file} runs`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "example-"));
    try {
      const args = file === "own-images.ts" ? ["photos"] : [];
      for (const name of args) await photos(join(folder, name));
      const tsx = ["--import", join(root, "node_modules/tsx/dist/esm/index.mjs")];
      await run(process.execPath, [...tsx, join(root, "examples", file), ...args], {
        cwd: folder,
        env: { ...process.env, QUICK: "1" },
      });
      assert.equal((await readdir(folder)).sort(), expected);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

/** Two classes of eight PNG files each. */
async function photos(folder: string): Promise<void> {
  const { x } = datasets.shapes({ size: 16 }).sample(engine.random.key(0), 16);
  const size = x.length / 16;
  for (const name of ["first", "second"]) await mkdir(join(folder, name), { recursive: true });
  for (let i = 0; i < 16; i++) {
    const data = Float32Array.from(x.subarray(i * size, (i + 1) * size));
    const path = join(folder, i < 8 ? "first" : "second", `${i}.png`);
    await writeFileAtomically(path, encodePng({ data, shape: [16, 16, size / 256] }));
  }
}

test.run();
