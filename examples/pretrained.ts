// Weights under the names of EDM's PyTorch code: out to a file, back into a network, and a consistency model that starts from them.
import { consistency, datasets, diffusion, engine, io, nn } from "tangent-lab";

const quick = process.env.QUICK === "1";
const config = { ...nn.ddpmpp, size: 16, inChannels: 1, channels: quick ? 16 : 64 };
const model = diffusion.denoiser(nn.songUnet(config));

// In place of these random weights: a file made from a published snapshot (docs/weights.md).
const file = process.argv[2] ?? "random.safetensors";
if (!process.argv[2]) {
  await io.writeSafetensors(file, nn.exportPublished(model, model.init(engine.random.key(0))));
}

const { tensors } = await io.readSafetensors(file);
const parameters = nn.importPublished(model, tensors); // throws for missing, extra and misshaped tensors, by name
const pretrained = diffusion.pretrained(model, parameters, { shape: [16, 16, 1] });

const data = await datasets.digits({ size: 16 });
const tuned = await consistency.train(data, {
  from: pretrained,
  steps: quick ? 2 : 2000,
  batchSize: quick ? 2 : 16,
  recording: false,
});
const { shape } = await diffusion.generate(tuned, { count: 4 });
console.log(`samples: ${shape.join(" x ")}`);
await io.writeSafetensors("tuned.safetensors", nn.exportPublished(tuned.denoiser, tuned.parameters));
