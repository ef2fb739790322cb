import { resolve } from "node:path";
import { sampleScatter } from "../../viz/charts/samples.js";
import { save } from "../../viz/render/save.js";
import { generate, type SamplerName } from "../diffusion/generate.js";
import { loadDenoiser } from "../diffusion/model-file.js";
import { type DeviceName, useDevice } from "../engine/device.js";
import { check } from "../errors.js";
import { writeFileAtomically } from "../io/files.js";
import { imageGrid } from "../io/png.js";

export interface SampleArguments {
  model: string;
  count: number;
  steps?: number;
  sampler?: string;
  class?: number;
  seed: number;
  scale: number;
  engine: string;
  out: string;
}

/** The requested class, or all classes in turn. */
function labelsOf(args: SampleArguments, classes: number | undefined): number[] | undefined {
  const { count, class: only } = args;
  if (classes === undefined) {
    check(only === undefined, "--class", only, "none: the model has no classes");
    return undefined;
  }
  const known = only === undefined || (Number.isInteger(only) && only >= 0 && only < classes);
  check(known, "--class", only, `an integer from 0 to ${classes - 1}`);
  return Array.from({ length: count }, (_, i) => only ?? i % classes);
}

/** The most samples that one picture can show. */
const mostSamples = 10_000;

/** Checks how many samples one picture is to show. @throws TangentLabError `invalid-argument`. */
export const checkSamples = (count: number): void =>
  check(
    Number.isInteger(count) && count >= 1 && count <= mostSamples,
    "--count",
    count,
    `an integer from 1 to ${mostSamples}`,
  );

/** `tangent-lab sample`: what a consistency model, or a denoiser, draws: images as one PNG, points as a chart. */
export async function sampleCommand(args: SampleArguments): Promise<void> {
  const { count, steps, seed, scale, out } = args;
  checkSamples(count);
  check(Number.isInteger(scale) && scale >= 1 && scale <= 64, "--scale", scale, "an integer from 1 to 64");
  await useDevice(args.engine as DeviceName | "auto");
  const model = await loadDenoiser(args.model);
  const classes = model.record.settings.classes as number | undefined;
  const labels = labelsOf(args, classes);
  const columns = args.class === undefined && classes !== undefined ? Math.min(classes, count) : undefined;
  // In one step a denoiser gives means of the data.
  const usual = model.record.kind === "denoiser" ? "heun" : "consistency";
  const { shape, values } = await generate(model, {
    count,
    seed,
    sampler: (args.sampler ?? usual) as SamplerName,
    ...(steps !== undefined && { steps }),
    ...(labels && { labels }),
  });
  if (shape.length === 4)
    await writeFileAtomically(
      out,
      imageGrid({ data: values, shape }, { scale, gap: 2, ...(columns && { columns }) }),
    );
  else {
    const samples = { shape: [...shape], values: Array.from(values) };
    const { name, settings } = model.record;
    const frames = [{ step: Number(settings.steps ?? 0), samples }];
    await save(sampleScatter({ runs: [{ name, frames }] }), out);
  }
  console.log(resolve(out));
}
