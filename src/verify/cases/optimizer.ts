import * as tf from "@tensorflow/tfjs-core";
import * as v from "valibot";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import type { Schema } from "../../io/json.js";
import {
  type AdamWConfig,
  adam,
  adamw,
  type Optimizer,
  type OptimizerState,
  radam,
} from "../../optim/index.js";
import type { CaseKind, Comparison } from "../case.js";
import { corrupt, type Reference } from "../reference.js";

const betasSchema: Schema<[number, number]> = v.tuple([v.number(), v.number()]);

const optimizers: Record<string, (config: AdamWConfig) => Optimizer> = {
  adam: ({ weightDecay: _, ...config }) => adam(config),
  adamw,
  radam: ({ weightDecay: _, ...config }) => radam(config),
};

/**
 * `p.i` after `grad.0` ... `grad.i` were fed in, from `p0`. The optimizer is the metadata's `optimizer` or the end of the file's name. PyTorch's
 * defaults, learning rate 2e-3 and decay 1e-2, unless the metadata has `lr`, `betas`, `eps`, `weight_decay`.
 */
export const optimizer: CaseKind = {
  kind: "optimizer",
  verify: async (file) => {
    const name = file.metadata("optimizer") ?? file.name.split("_").at(-1)!;
    const make = optimizers[name.toLowerCase()];
    if (!make) throw corrupt(file.path, `optimizer ${name} is none of ${Object.keys(optimizers).join(", ")}`);
    const method = make(settings(file));
    const learningRate = number(file, "lr", 2e-3);
    const steps = file.names("grad.").length;
    if (steps === 0) throw corrupt(file.path, "it has no grad.0");

    const update = compile((gradient: Tensor, state: OptimizerState, parameters: Tensor) => {
      const next = method.update(gradient, state, parameters, learningRate);
      return { parameters: next.parameters, state: next.state };
    });
    const start = file.tensor("p0");
    let parameters = start;
    let state = method.init(parameters);
    const comparisons: Comparison[] = [];
    for (let i = 0; i < steps; i++) {
      ({ parameters, state } = await update(file.tensor(`grad.${i}`), state, parameters));
      const reference = file.tensor(`p.${i}`);
      comparisons.push({ quantity: "p", part: `${i}`, ours: parameters, reference, kind: "value" });
    }
    // The steps are small beside the parameters: what they changed must be right, too.
    const moved = (to: Tensor): Tensor => tf.sub(to, start);
    const end = file.tensor(`p.${steps - 1}`);
    comparisons.push({
      quantity: "p - p0",
      ours: moved(parameters),
      reference: moved(end),
      kind: "optimizer",
    });
    return comparisons;
  },
};

function settings(file: Reference): AdamWConfig {
  const betas: [number, number] =
    file.metadata("betas") === undefined ? [0.9, 0.999] : file.json("betas", betasSchema);
  return {
    beta1: betas[0],
    beta2: betas[1],
    epsilon: number(file, "eps", 1e-8),
    weightDecay: number(file, "weight_decay", 1e-2),
  };
}

function number(file: Reference, name: string, byDefault: number): number {
  const text = file.metadata(name);
  const value = text === undefined ? byDefault : Number(text);
  if (!Number.isFinite(value)) throw corrupt(file.path, `its metadata's ${name}, ${text}, is not a number`);
  return value;
}
