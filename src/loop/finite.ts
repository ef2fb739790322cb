import * as tree from "../engine/tree.js";
import { TangentLabError } from "../errors.js";
import type { TrainState } from "../optim/method.js";

const words: Record<string, string> = {
  parameters: "parameters",
  optimizer: "moments of the optimizer",
  ema: "averaged parameters",
  target: "averaged parameters that give the target",
};

/**
 * Checks that everything that training changes is finite: parameters, moments, averages. A checkpoint with other numbers could not be continued, and a model
 * with them is of no use.
 * @throws TangentLabError `not-finite` naming the quantity, the step and what helps.
 */
export function checkState({ context: _, ...state }: TrainState, step: number, steps: number): void {
  for (const { name, tensor } of tree.flatten(state)) {
    const values = tensor.dataSync() as Float32Array;
    let bad = 0;
    for (const value of values) if (!Number.isFinite(value)) bad++;
    if (bad === 0) continue;
    const what = words[name.split(".")[0]!] ?? name;
    throw new TangentLabError("not-finite", `the ${what} are not finite at step ${step} of ${steps}`, {
      argument: name,
      given: `${bad} of ${values.length} numbers are NaN or infinite`,
      allowed: "finite numbers: try a lower learningRate; a checkpoint keeps the last good state",
    });
  }
}
