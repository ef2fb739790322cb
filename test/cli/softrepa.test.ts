import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { editCommand, generateCommand } from "../../src/cli/softrepa-use-commands.js";
import { tokensCommand } from "../../src/cli/tokens-command.js";
import * as random from "../../src/engine/random.js";
import { encodePng } from "../../src/io/png.js";
import { saveFlow } from "../../src/softrepa/flow-file.js";
import { jointTransformer } from "../../src/softrepa/joint-transformer.js";
import { textEncoder } from "../../src/softrepa/text/encoder.js";
import { trainVocabulary } from "../../src/softrepa/text/vocabulary.js";
import { textToImage } from "../../src/softrepa/text-to-image.js";
import { saveTokens } from "../../src/softrepa/token-file.js";
import { softTokens } from "../../src/softrepa/tokens.js";
import { rejection } from "../rejection.js";

const test = suite<{ folder: string; out: string[]; errors: string[] }>("softrepa commands");
const { log, error } = console;
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  context.out = [];
  context.errors = [];
  console.log = (text: string) => context.out.push(text);
  console.error = (text: string) => context.errors.push(text);
});
test.after.each(({ folder }) => {
  Object.assign(console, { log, error });
  rmSync(folder, { recursive: true });
});

const published = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/reference/published_tokens_${name}.safetensors`, import.meta.url));

/** An untrained flow of 8 x 8 images and tokens for it, as files; and what both commands are given. */
async function files(folder: string) {
  const text = textEncoder({
    vocabulary: trainVocabulary(["a red circle", "a blue ring"]),
    length: 8,
    width: 8,
    heads: 2,
    layers: 1,
  });
  const { textDim, pooledDim } = text;
  const network = jointTransformer({
    size: 8,
    channels: 3,
    patch: 4,
    layers: 2,
    heads: 1,
    headDim: 8,
    textDim,
    pooledDim,
  });
  const flow = textToImage(network, text);
  const model = join(folder, "flow.safetensors");
  await saveFlow(model, { model: flow, parameters: flow.init(random.key(0)) });
  const tokens = join(folder, "tokens.safetensors");
  const soft = softTokens({ layers: 2, tokens: 1, dim: 8 });
  await saveTokens(tokens, { model: soft, parameters: soft.init(random.key(1)) });
  return { model, tokens, engine: "auto", seed: 0, steps: 2, scale: 1 };
}

const size = (path: string): [number, number] => {
  const { width, height } = PNG.sync.read(readFileSync(path));
  return [width, height];
};

test("generate: a row for each caption; unknown words are named", async ({ folder, errors }) => {
  const out = join(folder, "images.png");
  const args = { ...(await files(folder)), out, count: 3, guidance: 2, solver: "heun" };
  await generateCommand({ ...args, caption: ["a red circle", "a green ring"] });
  assert.equal(size(out), [3 * 8 + 2 * 2, 2 * 8 + 2]);
  assert.match(errors.join(), /does not know: green/);
});

test("edit: a strip from the image to the edited one", async ({ folder }) => {
  const args = await files(folder);
  const image = join(folder, "in.png");
  writeFileSync(image, encodePng({ data: new Float32Array(8 * 8 * 3), shape: [8, 8, 3] }));
  const out = join(folder, "strip.png");
  const captions = { source: "a red circle", target: "a blue ring", sourceGuidance: 1.5, targetGuidance: 4 };
  await editCommand({ ...args, ...captions, image, out, frames: 2 });
  assert.equal(size(out), [3 * 8 + 2 * 2, 8]);
  const published = { guidanceForm: "softrepa", shift: 3, nMin: 1, nAvg: 2, negativePrompt: "a ring" };
  await editCommand({ ...args, ...captions, ...published, image, out, frames: 1, start: 2 });
  assert.equal(size(out), [2 * 8 + 2, 8]);
  for (const [bad, argument] of [
    [{ guidanceForm: "other" }, "guidanceForm"],
    [{ shift: 0 }, "shift"],
    [{ nMin: 3 }, "nMin"],
  ] as const) {
    const error = await rejection(editCommand({ ...args, ...captions, ...bad, image, out, frames: 1 }));
    assert.is(error.argument, argument);
  }
  writeFileSync(image, encodePng({ data: new Float32Array(9 * 9 * 3), shape: [9, 9, 3] }));
  assert.match(
    (await rejection(editCommand({ ...args, ...captions, image, out, frames: 2 }))).message,
    /in\.png has the wrong size; given: "9 x 9/,
  );
});

test("generate refuses before it computes anything", async ({ folder }) => {
  const out = join(folder, "images.png");
  const args = { ...(await files(folder)), out, count: 1, guidance: 2, solver: "euler", caption: ["a ring"] };
  for (const [bad, message] of [
    [{ caption: [] }, /invalid --caption/],
    [{ caption: [Array(20).fill("ring").join(" ")] }, /20|longer|tokens|words/],
    [
      { tokens: published("sdxl") },
      /do not fit .*flow\.safetensors: the dimension of a token; given: 2048; allowed: 8/,
    ],
    [{ model: published("sdxl") }, /holds no text-to-image model/],
    [{ solver: "rk4" }, /invalid solver/],
    [{ count: 0 }, /invalid --count/],
  ] as const) {
    assert.match((await rejection(generateCommand({ ...args, ...bad } as typeof args))).message, message);
  }
  assert.not.ok(existsSync(out));
});

test("tokens: what a file holds and which model it fits", async ({ out }) => {
  await tokensCommand(published("sd1.5"), {});
  assert.match(
    out.join("\n"),
    /parameters {2}79,872\nsd3 .*does not fit, the dimension of a token: 768, where it takes 1536\nsd1\.5 .*fits\n/,
  );
  assert.is((await rejection(tokensCommand(published("sd1.5"), { model: "sd3" }))).argument, "tokens.dim");
  assert.is((await rejection(tokensCommand(published("sd1.5"), { model: "sd9" }))).argument, "--model");
});

test.run();
