import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import * as random from "../../src/engine/random.js";
import type { Tensor } from "../../src/engine/tensor.js";
import { writeSafetensors } from "../../src/io/safetensors.js";
import {
  embeddedText,
  readEmbeddings,
  textEncoder,
  trainVocabulary,
  vocabulary,
} from "../../src/softrepa/index.js";
import { checkGradients, normal } from "../finite-differences.js";
import { close } from "../reference/fixtures.js";
import { rejection } from "../rejection.js";

test.before(async () => {
  await useDevice("cpu");
});

const captions = ["A red circle.", "a blue square", "a red square"];
const words = trainVocabulary(captions);
const encoder = textEncoder({ vocabulary: words, length: 8, width: 8, heads: 2 });
const ids = (...captions: string[]): number[][] => encoder.tokenize(captions).arraySync() as number[][];

test("a vocabulary has the captions' words, the most frequent first, whatever their order", () => {
  assert.equal(words.words, ["a", "red", "square", ".", "blue", "circle"]);
  assert.equal(trainVocabulary([...captions].reverse()).words, words.words);
  assert.equal(trainVocabulary(captions, { minCount: 2 }).words, ["a", "red", "square"]);
  assert.equal(vocabulary(words.words).numbers("red?"), [5, 3]);
});

test("captions are start, words, end and padding; unknown words are one number, and reported", () => {
  assert.equal(ids("a Red circle.", ""), [
    [1, 4, 5, 9, 7, 2, 0, 0],
    [1, 2, 0, 0, 0, 0, 0, 0],
  ]);
  assert.equal(ids("a green circle")[0], [1, 4, 3, 9, 2, 0, 0, 0]);
  assert.equal(encoder.unknownWords(["a Green circle", "a green triangle", "a red square"]), [
    "green",
    "triangle",
  ]);
});

test("captions longer than the context, no captions and a vocabulary with a word twice are refused", async () => {
  const long = await rejection(() => encoder.tokenize(["a", "a red circle on a blue square"]));
  assert.is(long.argument, "captions[1]");
  assert.match(long.message, "7 tokens");
  assert.match(long.message, "at most 6 tokens");
  assert.is((await rejection(() => encoder.tokenize([]))).argument, "captions");
  assert.is((await rejection(() => trainVocabulary([]))).argument, "captions");
  assert.is((await rejection(() => vocabulary(["a", "a"]))).argument, "words[1]");
});

test("the encoder does not see padding, and does see the order of words", () => {
  const parameters = encoder.init(random.key(0));
  const longer = textEncoder({ vocabulary: words, length: 12, width: 8, heads: 2 });
  const p = parameters as { readonly positions: Tensor };
  const padded = { ...p, positions: tf.concat([p.positions, normal(1, [4, 8])] as tf.Tensor[], 0) };
  const short = encoder.apply(parameters, encoder.tokenize(["a red square"]));
  const long = longer.apply(padded as never, longer.tokenize(["a red square"]));
  close(long.pooled, short.pooled, 1e-5, "pooled");
  const other = encoder.apply(parameters, encoder.tokenize(["red a square"]));
  assert.ok(tf.max(tf.abs(tf.sub(other.pooled, short.pooled))).dataSync()[0]! > 1e-4);
});

test("the encoder's gradients, also of words that stand twice", () => {
  const parameters = encoder.init(random.key(0));
  const twice = encoder.tokenize(["a red a", "red red ."]);
  checkGradients(
    (table) => encoder.apply({ ...(parameters as object), words: table! } as never, twice).pooled,
    [normal(5, [words.size, 8])],
    2e-2,
  );
});

test("embeddings from outside: rows of their captions, zeros for the empty one", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tangent-lab-text-"));
  try {
    const tokens = { shape: [2, 3, 4], data: Float32Array.from({ length: 24 }, (_, i) => i) };
    const path = join(folder, "text.safetensors");
    await writeSafetensors(path, { tokens });
    const text = await readEmbeddings(["one", "two"], path);
    assert.equal([text.length, text.textDim, text.pooledDim], [3, 4, 4]);
    const { tokens: found, pooled } = text.apply({}, text.tokenize(["two", "", "one"]));
    assert.equal(Array.from(found.dataSync()), [
      ...tokens.data.slice(12),
      ...Array(12).fill(0),
      ...tokens.data.slice(0, 12),
    ]);
    assert.equal(Array.from(pooled.dataSync()).slice(0, 4), [16, 17, 18, 19]);
    const unknown = await rejection(() => text.tokenize(["three"]));
    assert.equal([unknown.code, unknown.given], ["invalid-data", "three"]);
    assert.is((await rejection(readEmbeddings(["one"], path))).argument, "tokens");
    const twice = { captions: ["one", "one"], tokens: normal(1, [2, 3, 4]), pooled: normal(2, [2, 4]) };
    assert.is((await rejection(() => embeddedText(twice))).argument, "captions");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
