import { test } from "uvu";
import * as assert from "uvu/assert";
import * as tangentLab from "../src/index.js";
import * as viz from "../viz/index.js";

/** What makes networks, data, losses, methods and measures: with nothing given, and with an empty object where options belong. */
const makers = {
  consistency:
    "continuous discrete ectPairs evaluation exponentialCurriculum levelTimes lpips meanFlow meanFlowModel mfd mfdDistance perceptualLoss rootCurriculum tangentProbes train",
  datasets: "arrayFile byName captionedFolder cifar10 drawn embed fromArray imageFolder labelledBy",
  diffusion:
    "consistencyFunction ddpm denoise denoiser denoising generate karrasSigmas pretrained train trigflow",
  io: "encodePng imageGrid readSafetensors writeSafetensors",
  manifold: "featureRegression imageTransformations pointTransformations train",
  metrics:
    "bootstrap classifier denoisingFrechet evaluate frechetDistance gaussian kernelDistance kernelDistanceOfSubsets mmd onnxFeatures precisionRecall slicedWasserstein trainClassifier",
  nn: "convFeatures exportPublished flatten importPublished mlp mlpFeatures networkFrom resnetFeatures songUnet unet unet2d vggFeatures",
  loop: "train",
  softrepa: "crossUnet jointTransformer softTokens",
} as const;

/** What draws: also with something that has names and nothing else. */
const named = { name: "a", label: "a" };
const hollow = {
  runs: [named],
  arms: [named],
  rows: [named],
  strips: [named],
  curves: [named],
  layers: [named],
};
const notDrawing = ["orthographic", "themed", "toHTML", "toPNG", "toSVG", "figure", "show"];

async function raw(
  call: string,
  make: (...given: unknown[]) => unknown,
  calls: unknown[][],
): Promise<string[]> {
  const found: string[] = [];
  assert.type(make, "function", call);
  for (const given of calls) {
    const text = `${call}(${given.map((value) => JSON.stringify(value))})`;
    try {
      await make(...given);
      if (given.length === 0) found.push(`${text}: no error`);
    } catch (error) {
      const { argument, message } = error as tangentLab.TangentLabError;
      if (!(error instanceof tangentLab.TangentLabError) || !argument) found.push(`${text}: ${message}`);
    }
  }
  return found;
}

/** What has a default for all that it takes. */
const optional = { consistency: "cd ct ect ict scd sct" } as const;

const calls = [[], [{}], [{}, {}, {}], [null], ["x"]];

test("what is called without its arguments, or with empty ones, names the argument", async () => {
  const spaces: Record<string, object> = tangentLab;
  for (const [space, names] of Object.entries(makers))
    for (const name of names.split(" ")) {
      const make = (spaces[space] as Record<string, (...given: unknown[]) => unknown>)[name]!;
      assert.equal(await raw(`${space}.${name}`, make, calls), []);
    }
});

test("what is called with something else than its options names the argument", async () => {
  for (const name of optional.consistency.split(" ")) {
    const make = (tangentLab.consistency as Record<string, unknown>)[name] as () => unknown;
    assert.equal(await raw(`consistency.${name}`, make, [[null], ["x"], [{ unknown: 1 }]]), []);
  }
});

test("what draws names what is missing", async () => {
  const drawing = Object.entries(viz).filter(([name, value]) => {
    return typeof value === "function" && !notDrawing.includes(name);
  });
  assert.ok(drawing.length > 25);
  for (const [name, draw] of drawing)
    assert.equal(await raw(`viz.${name}`, draw as () => unknown, [...calls, [hollow]]), []);
});

test.run();
