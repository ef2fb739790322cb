import * as tf from "@tensorflow/tfjs-core";
import type { Key } from "../engine/random.js";
import * as random from "../engine/random.js";
import type { Tensor } from "../engine/tensor.js";
import { check, required } from "../errors.js";
import { type Affine, conv2d, downsample2x, groupNorm, linear, type Scale, silu } from "./functional.js";
import { convInit, denseInit, type Leaves, normInit } from "./initializers.js";
import type { Model, Network } from "./network.js";
import { checkInput } from "./network.js";

/** What a feature network gives for a batch. */
export interface Features {
  /** Output of every stage: images [batch, h, w, channels], points [batch, width]. */
  readonly stages: readonly Tensor[];
  /** The regressed labels [batch, labels]. */
  readonly labels: Tensor;
}

/** A feature network on a flat vector of parameters. */
export type FeatureModel = Model<[x: Tensor], Features>;

/** A feature network with its parameters [Q]: a trained one, or one of published weights. */
export interface FeatureNetwork {
  readonly model: FeatureModel;
  readonly parameters: Tensor;
}

/** Checks that a network takes a flat vector of parameters. @throws TangentLabError `invalid-argument`. */
export function checkFlat(argument: string, model: FeatureModel): void {
  const flat = model?.structure !== undefined && typeof model.apply === "function";
  check(flat, argument, model, "a network on flat parameters: flatten(vggFeatures(...))");
}

/**
 * Checks that features come from a network with its own parameters: a run that was not awaited has neither.
 * @throws TangentLabError `invalid-argument`.
 */
export function checkFeatures(argument: string, features: FeatureNetwork): void {
  const { model, parameters } = features ?? {};
  const trained = model !== undefined && parameters !== undefined;
  check(trained, argument, "no parameters", "a trained feature network: await its run first");
  checkFlat(argument, model);
  const { size } = model.structure;
  check(parameters.size === size, argument, `parameters [${parameters.shape}]`, `[${size}], the network's`);
}

/** Options of `convFeatures`. */
export interface ConvFeaturesConfig {
  /** Height and width of the images, divisible by 2^stages. */
  size: number;
  /** Channels of the images. */
  inChannels: number;
  /** Labels to regress. */
  labels: number;
  /** Channels of each stage; a stage is a convolution and 2x2 means, and its output a feature. Default [16, 32, 64]. */
  channels?: readonly number[];
  /** Groups of a group normalization after each convolution; divides all channels. Default no normalization. */
  groups?: number;
}

type Stage = { readonly [name: string]: Leaves } & { conv: Affine; norm?: Scale };

/**
 * Small convolutional regressor on images [batch, size, size, channels]: per stage a 3x3 convolution, SiLU, 2x2 means; at the end a linear layer. `vggFeatures`
 * is the published feature network of Align Your Tangent and the default for images. For the manifold feature distance leave this one without normalization:
 * statistics of an image taken out of its features hide its brightness and contrast from the distance.
 * @throws TangentLabError `invalid-argument` for an invalid configuration; `apply` throws it for x of another shape.
 */
export function convFeatures(config: ConvFeaturesConfig): Network<[x: Tensor], Features> {
  required("config", config, "an object with size, inChannels and labels");
  const { size, inChannels, labels, channels = [16, 32, 64], groups } = config;
  check.only("convFeatures", config, ["size", "inChannels", "labels", "channels", "groups"]);
  check.counts("channels", channels);
  const factor = 2 ** channels.length;
  check(Number.isInteger(size) && size > 0 && size % factor === 0, "size", size, `a multiple of ${factor}`);
  for (const [name, value] of Object.entries({ inChannels, labels })) check.count(name, value);
  check(
    groups === undefined ||
      (Number.isInteger(groups) && groups >= 1 && channels.every((width) => width % groups === 0)),
    "groups",
    groups,
    `a divisor of all of ${channels.join(", ")}`,
  );
  const side = size / factor;
  const last = channels[channels.length - 1]!;
  return {
    init: (key) => {
      const keys = random.split(key, channels.length + 1);
      return {
        stages: channels.map((width, i) => ({
          conv: convInit(keys[i]!, 3, i === 0 ? inChannels : channels[i - 1]!, width, Math.SQRT2),
          ...(groups === undefined ? {} : { norm: normInit(width) }),
        })),
        labels: denseInit(keys[channels.length]!, side * side * last, labels),
      };
    },
    apply: (parameters, x) => {
      checkInput(x, [size, size, inChannels]);
      const p = parameters as { stages: Stage[]; labels: Affine };
      const stages: Tensor[] = [];
      let h = x;
      for (const { conv, norm } of p.stages) {
        h = conv2d(h, conv);
        if (norm && groups !== undefined) h = groupNorm(h, norm, groups);
        h = downsample2x(silu(h));
        stages.push(h);
      }
      return { stages, labels: linear(tf.reshape(h, [h.shape[0]!, side * side * last]), p.labels) };
    },
  };
}

/** Options of `mlpFeatures`. */
export interface MlpFeaturesConfig {
  /** Dimension of the points. */
  dim: number;
  /** Labels to regress. */
  labels: number;
  /** Units of each hidden layer. Default 128. */
  width?: number;
  /** Hidden layers; the output of each is a feature. Default 3. */
  depth?: number;
}

/**
 * Multilayer perceptron regressor on points [batch, dim]: (linear, SiLU) x depth, linear.
 * @throws TangentLabError `invalid-argument` for an invalid configuration; `apply` throws it for x of another shape.
 */
export function mlpFeatures(config: MlpFeaturesConfig): Network<[x: Tensor], Features> {
  required("config", config, "an object with dim and labels");
  check.only("mlpFeatures", config, ["dim", "labels", "width", "depth"]);
  const { dim, labels, width = 128, depth = 3 } = config;
  for (const [name, value] of Object.entries({ dim, labels, width, depth })) check.count(name, value);
  return {
    init: (key: Key) => {
      const keys = random.split(key, depth + 1);
      return {
        stages: keys.slice(0, depth).map((k, i) => denseInit(k, i === 0 ? dim : width, width, Math.SQRT2)),
        labels: denseInit(keys[depth]!, width, labels),
      };
    },
    apply: (parameters, x) => {
      checkInput(x, [dim]);
      const p = parameters as { stages: Affine[]; labels: Affine };
      const stages: Tensor[] = [];
      let h = x;
      for (const stage of p.stages) {
        h = silu(linear(h, stage));
        stages.push(h);
      }
      return { stages, labels: linear(h, p.labels) };
    },
  };
}
