import { check } from "../errors.js";
import { checkpointFolder } from "../io/checkpoint.js";
import { type CaptionedData, checkData } from "../loop/data.js";
import type { Run } from "../loop/run.js";
import * as loop from "../loop/train.js";
import { type ContrastiveTraining, contrastiveMethod, contrastiveOptions } from "./contrastive-training.js";
import { checkStart, type TrainedFlow } from "./train-flow.js";
import type { Flow } from "./types.js";

/** Options of `tuneFlow`. */
export interface FlowTuning extends ContrastiveTraining {
  /** For legends. Default "tuned flow". */
  name?: string;
}

/**
 * Full fine-tuning by the contrastive loss of `trainTokens`: all of a flow's parameters go on from where they are, its text encoder's with them; to compare soft
 * tokens with. A rate of 1e-4 unless `learningRate` says otherwise. Without a `positiveWeight` nothing asks the flow to go on drawing. By the denoising
 * error alone, with captions left out for guidance, `trainFlow({ from: flow })` does it.
 * @param flow a trained flow, which stays as it is.
 * @throws TangentLabError `invalid-argument` for options out of range, and for a flow that does not know the captions' words or has another shape than the data.
 */
export function tuneFlow(data: CaptionedData, flow: Flow, options: FlowTuning = {}): Run<TrainedFlow> {
  checkData(data);
  checkStart("flow", flow, data);
  check.only("tuneFlow", options, contrastiveOptions);
  const { name = "tuned flow", steps = 400, batchSize = 8 } = options;
  const { method, settings } = contrastiveMethod(data, flow, undefined, options, 1e-4);
  const { model } = flow;
  return loop.train({
    ...options,
    steps,
    batchSize,
    name,
    kind: "flow",
    checkpoint: checkpointFolder(options.checkpoint),
    data,
    method,
    from: flow.parameters,
    settings: { ...settings, network: model.structure.size },
    finish: (state, record) => ({ ...model.freeze(loop.keep(state.ema)), model, record }),
  });
}
