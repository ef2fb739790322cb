import * as tf from "@tensorflow/tfjs-core";
import * as v from "valibot";
import type { Tensor } from "../../engine/tensor.js";
import { check } from "../../errors.js";
import type { Schema } from "../../io/json.js";
import { flatten } from "../../nn/network.js";
import { ofFile } from "../../nn/of-file.js";
import type { GuidanceForm } from "../../softrepa/edit-config.js";
import { editWith } from "../../softrepa/editing.js";
import type { FrozenFlow } from "../../softrepa/frozen-flow.js";
import { generateWith } from "../../softrepa/generate.js";
import { fromDiffusers, jointTransformer } from "../../softrepa/joint-transformer.js";
import { flowLevels } from "../../softrepa/levels.js";
import { embeddedText } from "../../softrepa/text/embeddings.js";
import { textToImage } from "../../softrepa/text-to-image.js";
import { softTokens } from "../../softrepa/tokens.js";
import type { CaseKind, Comparison } from "../case.js";
import { configSchema, weightsOf, within } from "../networks.js";
import { corrupt, type Reference } from "../reference.js";

/** One of the metadata's `runs`: sampling from `<run>.noise.0.0`, or an edit of `image` with the noises `<run>.noise.step.k`. */
type RunSettings = CommonSettings & ({ form: "sample" } | EditSettings);

interface EditSettings {
  form: GuidanceForm;
  start: number;
  nMin: number;
  nAvg: number;
  /** Guidance of the source. */
  source: number;
}

interface CommonSettings {
  steps: number;
  /** Guidance of the target, or of all that is sampled. */
  target: number;
  /** The caption that guidance leads away from. */
  negative: string;
  /** Which soft tokens are put in, `<soft>.soft_tokens` and `<soft>.time_embedding`: "before" the context embedder or "inside". */
  soft: "before" | "inside" | null;
}

/** Steps and noises; more than a thousand would run for hours. */
const [integer, number] = [
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000)),
  v.pipe(v.number(), v.finite()),
];
const numberSchema: Schema<number> = number;
const captionsSchema: Schema<string[]> = v.array(v.string());
const commonEntries = {
  ...{ steps: integer, target: number, negative: v.string() },
  soft: v.nullable(v.picklist(["before", "inside"])),
};
const runsSchema: Schema<Record<string, RunSettings>> = v.record(
  v.string(),
  v.variant("form", [
    v.object({ form: v.literal("sample"), ...commonEntries }),
    v.object({
      form: v.picklist(["flowedit", "softrepa"]),
      ...{ ...commonEntries, start: integer, nMin: integer, nAvg: integer, source: number },
    }),
  ]),
);

/**
 * Sampling and editing with the joint transformer of the metadata's `config` and `weights.`, texts `tokens` and `pooled` of its `captions`: for each of its `runs`
 * the levels `<run>.levels` and the images `<run>`. The first captions are the sources, as many as images, then come the targets.
 */
export const flowEdit: CaseKind = {
  kind: "flow_edit",
  verify: async (file) => {
    const config = file.json("config", configSchema);
    const flat = within(file, "config", () =>
      ofFile(config, file.size, () => {
        const network = jointTransformer(fromDiffusers(config));
        return { network, model: flatten(network) };
      }),
    );
    const captions = file.json("captions", captionsSchema);
    const text = within(file, "tokens", () =>
      embeddedText({ captions, tokens: file.tensor("tokens"), pooled: file.tensor("pooled") }),
    );
    const flow = textToImage(flat.network, text).freeze(weightsOf(file, flat.model, "weights."));
    const runs = Object.entries(file.json("runs", runsSchema));
    if (runs.length === 0) throw corrupt(file.path, "its metadata's runs are none");
    const comparisons: Comparison[] = [];
    for (const [name, settings] of runs) {
      comparisons.push(...(await run(file, name, settings, flow, captions)));
    }
    return comparisons;
  },
};

async function run(
  file: Reference,
  name: string,
  settings: RunSettings,
  flow: FrozenFlow,
  captions: readonly string[],
): Promise<Comparison[]> {
  const { steps, target, negative, soft } = settings;
  const images = file.images("image");
  const count = images.shape[0]!;
  const [sources, targets] = [captions.slice(0, count), captions.slice(count, 2 * count)];
  const noiseOf = (step: number, k: number): Float32Array =>
    file.images(`${name}.noise.${step}.${k}`).dataSync() as Float32Array;
  const levels = { steps, shift: file.json("shift", numberSchema), spacing: "diffusers" } as const;
  const common = { ...levels, negativePrompt: negative, ...(soft && { tokens: tokensOf(file, soft, flow) }) };
  const ours =
    settings.form === "sample"
      ? tf.tensor(
          await generateWith(flow, { ...common, captions: targets, guidance: target }, (image, width) =>
            noiseOf(0, 0).subarray(image * width, (image + 1) * width),
          ),
          images.shape,
        )
      : (
          await editWith(
            flow,
            {
              ...common,
              images,
              source: sources,
              target: targets,
              ...editOptions(settings),
            },
            noiseOf,
          )
        ).images;
  return [
    {
      quantity: `${name}.levels`,
      ours: flowLevels(levels),
      reference: file.tensor(`${name}.levels`).dataSync(),
      kind: "value",
    },
    { quantity: name, ours, reference: file.images(name), kind: "value" },
  ];
}

const editOptions = ({ form, start, nMin, nAvg, source, target }: EditSettings & CommonSettings) =>
  ({
    ...{ start, nMin, nAvg, guidanceForm: form },
    ...{ sourceGuidance: source, targetGuidance: target },
  }) as const;

function tokensOf(
  file: Reference,
  soft: "before" | "inside",
  flow: FrozenFlow,
): { model: ReturnType<typeof softTokens>; parameters: Tensor } {
  const [own, table] = [file.tensor(`${soft}.soft_tokens`), file.tensor(`${soft}.time_embedding`)];
  return within(file, soft, () => {
    const [layers, tokens, width] = own.shape as [number, number, number];
    check(own.rank === 3, `${soft}.soft_tokens`, own.shape, "[layers, tokens, dim]");
    const dim = table.shape[1]! / layers;
    const textDim = soft === "before" ? width : undefined;
    const model = softTokens({ layers, tokens, dim, textDim, timeRows: table.shape[0]! });
    const parameters = tf.concat([tf.reshape(own, [-1]), tf.reshape(table, [-1])]) as Tensor;
    check(
      parameters.size === model.structure.size,
      `${soft}.time_embedding`,
      table.shape,
      "[rows, layers * dim]",
    );
    check(flow.tokenDim === dim, `${soft}.time_embedding`, table.shape, `[rows, layers * ${flow.tokenDim}]`);
    return { model, parameters };
  });
}
