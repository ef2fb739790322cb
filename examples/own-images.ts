// A class-conditional model of your own images. Each subfolder of the folder is a class: node own-images.js photos
import { consistency, datasets, diffusion } from "tangent-lab";
import * as viz from "tangent-lab/viz";

const folder = process.argv[2];
if (!folder) throw new Error("name a folder of pictures, or a .parquet, .tar or .zip file of them");
const steps = process.env.QUICK === "1" ? 4 : 5000;

const data = await datasets.images(folder, { size: 16 });
const classConditional = data.classNames !== undefined;
console.log(`${data.size} images, classes: ${data.classNames?.join(", ") ?? "none"}`);

const denoiser = await diffusion.train(data, { steps, batchSize: 16, classConditional });
const model = await consistency.train(data, {
  from: denoiser,
  steps,
  batchSize: 16,
  checkpoint: "own-images", // when started again, continues where it was stopped
  resume: true,
  recording: { count: 16, shown: 16 },
});

const classes = data.classNames ?? ["all"];
const rows = [];
for (const [label, name] of classes.entries()) {
  const options = classConditional ? { labels: Array(8).fill(label) } : { count: 8 };
  rows.push({ label: name, images: await diffusion.generate(model, { ...options, steps: 2 }) });
}
await viz.save(viz.pictureRows({ rows }), "own-images.png");
