import { test } from "uvu";
import * as assert from "uvu/assert";
import * as library from "../src/index.js";

/** What makes networks, data, losses, methods and measures: with nothing given, and with an empty object where options belong. */
const makers = {
  consistency:
    "cd continuous ct denoise discrete ect ectPairs exponentialCurriculum generate ict levelTimes lpips pretrained rootCurriculum train",
  datasets: "arrayFile byName captionedFolder cifar10 drawn embed fromArray imageFolder labelledBy",
  diffusion: "denoise denoiser denoising generate karrasSigmas pretrained trainDenoiser trigflow",
  io: "encodePng imageGrid readSafetensors writeSafetensors",
  manifold: "alignedLoss featureRegression imageTransformations pointTransformations trainFeatureNetwork",
  metrics:
    "bootstrap classifier denoisingFrechet evaluate frechetDistance gaussian kernelDistance mmd onnxFeatures precisionRecall slicedWasserstein trainClassifier",
  nn: "convFeatures exportPublished flatten importPublished mlp mlpFeatures networkFrom resnetFeatures songUnet unet vggFeatures",
  softrepa: "crossUnet jointTransformer softTokens",
  training: "evaluation tangentProbes train",
} as const;

test("what is called without its arguments, or with empty ones, names the argument", async () => {
  const raw: string[] = [];
  const spaces: Record<string, object> = { ...library };
  for (const [space, names] of Object.entries(makers))
    for (const name of names.split(" ")) {
      const make = (spaces[space] as Record<string, (...given: unknown[]) => unknown>)[name]!;
      assert.type(make, "function", `${space}.${name}`);
      for (const given of [[], [{}], [{}, {}, {}], [null], ["x"]]) {
        const call = `${space}.${name}(${given.map((value) => JSON.stringify(value))})`;
        try {
          await make(...given);
          if (given.length === 0) raw.push(`${call}: no error`);
        } catch (error) {
          const { argument, message } = error as library.TangentLabError;
          if (!(error instanceof library.TangentLabError) || !argument) raw.push(`${call}: ${message}`);
        }
      }
    }
  assert.equal(raw, []);
});

test.run();
