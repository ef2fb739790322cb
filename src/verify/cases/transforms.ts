import * as tf from "@tensorflow/tfjs-core";
import * as v from "valibot";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Schema } from "../../io/json.js";
import { type ImageTransformationsConfig, imageDraws, imageTransformations } from "../../manifold/images.js";
import {
  defaultStrengths,
  type ImageParameters,
  type ImageTransformation,
  imageTransformationNames,
  parametersOf,
  type TransformationStrengths,
} from "../../manifold/parameters.js";
import type { Draws } from "../../manifold/transformations.js";
import type { CaseKind, Comparison } from "../case.js";
import { corrupt, type Reference } from "../reference.js";

/**
 * `<name>.images`: `images` transformed as `<name>.labels` tell, for single transformations and the metadata's `groups` of them, with the metadata's
 * strengths, `parameters`. Labels tell all but two things. The noise's direction: where there is noise, `<name>.noise` compares the root mean square of
 * what an image has beyond ours with its label. That is a weaker check: an error e of the rest, unrelated to the noise, shows only as e² against its square.
 * And an anisotropic scale w along r and -w along r + pi have the same labels: the one that comes closer counts.
 */
export const transforms: CaseKind = {
  kind: "transforms",
  verify: async (file) => {
    const images = file.images("images");
    const [count, size, width, channels] = images.shape as [number, number, number, number];
    if (size !== width) throw corrupt(file.path, `images of ${size}x${width} pixels are not square`);
    const members = groupsOf(file);
    const strengths = strengthsOf(file);
    const comparisons: Comparison[] = [];
    const cases = file.names().filter((name) => name.endsWith(".images"));
    for (const name of cases.map((tensor) => tensor.slice(0, -".images".length))) {
      const groups = members(name);
      const reference = file.images(`${name}.images`);
      const labels = file.tensor(`${name}.labels`);
      const config = { ...strengths, size, channels, groups };
      const transformations = imageTransformations(config);
      const expected = [count, transformations.labelNames.length];
      if (`${labels.shape}` !== `${expected}` || `${reference.shape}` !== `${images.shape}`)
        throw corrupt(
          file.path,
          `${name} has labels [${labels.shape}] and images [${reference.shape}] for ${name}, not [${expected}] and [${images.shape}]`,
        );
      const parameters = parametersOf(groups, labels.arraySync() as number[][]);
      const step = compile((x: Tensor, draws: Draws) => transformations.apply(x, draws));
      const candidates: Candidate[] = [];
      for (const drawn of groups.includes("aniso") ? signs(parameters) : [parameters])
        candidates.push(await transformed(step, config, drawn, images, reference));
      const noise = parameters.noise?.[0];
      comparisons.push(
        {
          quantity: noise ? `${name}.noise` : name,
          ours: closest(candidates, count),
          reference: noise ?? reference.dataSync(),
          kind: "value",
        },
        {
          quantity: `${name}.labels`,
          ours: candidates[0]!.labels,
          reference: labels.dataSync(),
          kind: "value",
        },
      );
    }
    return comparisons;
  },
};

interface Candidate {
  /** The images; where there is noise, the root mean square of each one's noise. */
  readonly values: Float32Array;
  readonly labels: Float32Array;
  /** How far each example is off. */
  readonly errors: readonly number[];
}

async function transformed(
  step: (x: Tensor, draws: Draws) => Promise<Tensor>,
  config: ImageTransformationsConfig,
  parameters: ImageParameters,
  images: Tensor,
  reference: Tensor,
): Promise<Candidate> {
  const silent = imageDraws(config, parameters, images.shape[0]!, new Float32Array(images.size));
  const result = await step(images, silent);
  const labels = silent.labels.dataSync() as Float32Array;
  const beyond = tf.sub(reference, result);
  if (!parameters.noise) {
    const errors = Array.from(tf.max(tf.abs(beyond), [1, 2, 3]).dataSync());
    return { values: result.dataSync() as Float32Array, labels, errors };
  }
  const rms = tf.sqrt(tf.mean(tf.square(beyond), [1, 2, 3])).dataSync() as Float32Array;
  return {
    values: rms,
    labels,
    errors: Array.from(rms, (value, i) => Math.abs(value - parameters.noise![0]![i]!)),
  };
}

/** The four choices of an anisotropic scale's sign, one for each half of the batch: mixup makes pairs of one of each. */
function signs(parameters: ImageParameters): ImageParameters[] {
  const [w, r] = parameters.aniso as [Float32Array, Float32Array];
  return [0, 1, 2, 3].map((choice) => {
    const flipped = w.map((_, i) => (choice >> (2 * i < w.length ? 0 : 1)) & 1);
    return {
      ...parameters,
      aniso: [w.map((value, i) => (flipped[i] ? -value : value)), r.map((a, i) => a + Math.PI * flipped[i]!)],
    };
  });
}

/** From each candidate the pairs (i, count - 1 - i) of examples that it comes closest in. */
function closest(candidates: readonly Candidate[], count: number): Float32Array {
  const result = candidates[0]!.values.slice();
  const dim = result.length / count;
  for (let i = 0; i < count; i++) {
    const error = ({ errors }: Candidate): number => Math.max(errors[i]!, errors[count - 1 - i]!);
    const best = candidates.reduce((a, b) => (error(b) < error(a) ? b : a));
    result.set(best.values.subarray(i * dim, (i + 1) * dim), i * dim);
  }
  return result;
}

const groupsSchema: Schema<Record<string, string[]>> = v.record(v.string(), v.array(v.string()));
const strengthsSchema: Schema<Record<string, unknown>> = v.record(v.string(), v.unknown());

/** The transformations of a case, in order: of one of the metadata's groups, or itself. */
function groupsOf(file: Reference): (name: string) => ImageTransformation[] {
  const groups: Record<string, string[]> =
    file.metadata("groups") === undefined ? {} : file.json("groups", groupsSchema);
  return (name) => {
    const members = Object.hasOwn(groups, name) ? groups[name]! : [name];
    const unknown = members.find((member) => !(imageTransformationNames as string[]).includes(member));
    if (unknown !== undefined)
      throw corrupt(
        file.path,
        `${unknown} of ${name} is none of ${imageTransformationNames.join(", ")}, nor a group in its metadata`,
      );
    return imageTransformationNames.filter((member) => members.includes(member));
  };
}

/** The strengths of the metadata's `parameters`, such as "scale_std". */
function strengthsOf(file: Reference): TransformationStrengths {
  const given = file.json("parameters", strengthsSchema);
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => {
      const key = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      if (!Object.hasOwn(defaultStrengths(32), key) || typeof value !== "number")
        throw corrupt(file.path, `its metadata's parameters have ${name}: ${value}, which is not known`);
      return [key, value];
    }),
  );
}
