import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { greyPng, tarOf } from "../../fuzz/packed.js";
import * as random from "../../src/engine/random.js";
import { writeSafetensors } from "../../src/io/index.js";
import { efficientNetLite0, exportPublished, flatten, type Model, type Network } from "../../src/nn/index.js";
import { fromDiffusers, jointTransformer } from "../../src/softrepa/index.js";
import { diffusion, nn } from "./quick.js";
import { readSnippets, root } from "./read.js";

// The programs that README and docs show, on the built package, with few steps, each in an empty folder. What types they have test/package.test.ts checks.
const run = promisify(execFile);

/** Diffusers' configuration of an SD3 transformer, as small as it can be. */
const sd3 = {
  ...{ sample_size: 8, in_channels: 4, patch_size: 2, pos_embed_max_size: 8 },
  ...{ num_layers: 2, num_attention_heads: 2, attention_head_dim: 8, caption_projection_dim: 16 },
  ...{ joint_attention_dim: 12, pooled_projection_dim: 10 },
};

/** Random weights under their published names. */
async function weights<Inputs extends readonly unknown[], Output>(
  path: string,
  network: Network<Inputs, Output> | Model<Inputs, Output>,
): Promise<void> {
  const model = "structure" in network ? network : flatten(network);
  await writeSafetensors(path, exportPublished(model, model.init(random.key(0))));
}

/** The files that a program reads, which its user has. */
const files: Record<string, (folder: string) => Promise<void>> = {
  "docs/datasets.md": async (folder) => {
    await mkdir(join(folder, "shards"));
    const shard = tarOf(
      [10, 20, 30].flatMap((level) => [
        [`${level}.png`, greyPng(level, 16)] as const,
        [`${level}.cls`, String(level)] as const,
      ]),
    );
    await writeFile(join(folder, "shards/a.tar"), shard);
  },
  "docs/soft-tokens.md": async (folder) => {
    await writeFile(join(folder, "config.json"), JSON.stringify(sd3));
    await weights(join(folder, "diffusion_pytorch_model.safetensors"), jointTransformer(fromDiffusers(sd3)));
  },
  "docs/weights.md": async (folder) => {
    const settings = { ...nn.ddpmpp, size: 32, inChannels: 3, augmentLabels: 9, dropout: 0.13 };
    await cp(join(root, "test/fixtures/pipelines/consistency"), join(folder, "pipeline"), {
      recursive: true,
    });
    await weights(join(folder, "model.safetensors"), diffusion.denoiser(nn.songUnet(settings)));
    await weights(join(folder, "efficientnet-lite0.safetensors"), efficientNetLite0({ size: 64 }));
  },
};

/** What each leaves in the folder where it runs. */
const leaves: Record<string, string[]> = {
  "README.md": ["tangents.png"],
  "docs/datasets.md": [],
  "docs/devices.md": [],
  "docs/objectives.md": [],
  "docs/soft-tokens.md": ["tokens.safetensors"],
  "docs/weights.md": ["copy.safetensors", "generator.onnx", "published.safetensors"],
};

const snippets = await readSnippets();

test("every document with a program is listed here", () => {
  assert.equal(Object.keys(snippets), Object.keys(leaves));
});

for (const [file, code] of Object.entries(snippets)) {
  test(`the program of ${file} runs`, async () => {
    // Inside the repository, where it finds the package by its name.
    await mkdir(join(root, ".cache"), { recursive: true });
    const folder = await mkdtemp(join(root, ".cache/snippets-"));
    try {
      await files[file]?.(folder);
      const given = await readdir(folder);
      const quick = pathToFileURL(join(root, "test/snippets/quick.ts")).href;
      const program = code.replaceAll('from "tangent-lab";', `from ${JSON.stringify(quick)};`);
      assert.is.not(program, code);
      await writeFile(join(folder, "program.mts"), program);
      await run(
        process.execPath,
        ["--import", join(root, "node_modules/tsx/dist/esm/index.mjs"), "program.mts"],
        {
          cwd: folder,
        },
      );
      const left = (await readdir(folder)).filter((name) => name !== "program.mts" && !given.includes(name));
      assert.equal(left.sort(), leaves[file]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test.run();
