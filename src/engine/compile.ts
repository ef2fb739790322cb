import * as tf from "@tensorflow/tfjs-core";
import { TangentLabError } from "../errors.js";
import { compiles, currentDevice, type DeviceName } from "./device.js";
import { checkNotTracing } from "./onnx/backend.js";
import { type CompileOptions, compileOnnx } from "./onnx/compile.js";
import { checkResult } from "./result.js";
import * as tree from "./tree.js";

export type { CompileOptions };

/**
 * Compiles a pure function of trees of tensors for the device in use (see `useDevice`). The returned function takes the same arguments and resolves to the same
 * tree; it compiles again for each combination of input shapes and keeps the results for the 32 used last.
 *
 * The function must be made of tfjs ops and must not read values: noise, masks, learning rates and step counts are inputs. Plain numbers and tensors from
 * outside become constants; variables (`tf.variable`) from outside are read at every call. Gradients (`tf.grads`, `tf.customGrad`) and gradients of gradients
 * are taken inside.
 *
 * @throws TangentLabError `unsupported-op` for an op that compiled steps lack, naming it, its shapes and the line that called it, and so for random numbers
 * drawn inside (`tf.dropout`, `tf.randomNormal` without a seed), variables made or assigned inside (`optimizer.minimize`); `value-read-in-step` if a value is
 * read inside; `invalid-argument` if a donated state is used a second time, for an async function, and for a result that is no tree of tensors.
 */
export function compile<A extends tree.Tree[], R extends tree.Tree>(
  f: (...args: A) => R,
  options: CompileOptions = {},
): (...args: A) => Promise<R> {
  // Each provider has graphs of its own.
  const onnx = new Map<DeviceName, (...args: A) => Promise<R>>();
  return async (...args) => {
    checkNotTracing();
    const device = await currentDevice();
    if (options.donate) checkAlive(args[0]!);
    if (!compiles(device)) return eager(f, args, options.donate ?? false);
    const compiled = onnx.get(device) ?? compileOnnx(f, options);
    onnx.set(device, compiled);
    return compiled(...args);
  };
}

async function eager<A extends tree.Tree[], R extends tree.Tree>(
  f: (...args: A) => R,
  args: A,
  donate: boolean,
): Promise<R> {
  // One turn of the event loop per call: timers and input are served between steps.
  await tf.nextFrame();
  // tf.tidy's type does not express trees as arguments and results.
  const result = tf.tidy(() => checkResult(f(...args)) as tf.TensorContainer) as unknown as R;
  if (donate) {
    const kept = new Set(tree.leaves(result));
    for (const leaf of tree.leaves(args[0]!)) if (!kept.has(leaf)) leaf.dispose();
  }
  return result;
}

function checkAlive(state: tree.Tree): void {
  const dead = tree.flatten(state).find((leaf) => leaf.tensor.isDisposed);
  if (!dead) return;
  throw new TangentLabError(
    "invalid-argument",
    `the state's ${dead.name || "tensor"} was given up to an earlier step`,
    {
      argument: "state",
      given: "a state that was already stepped from",
      allowed: "the newest state, or a copy made before stepping: tree.map((t) => t.clone(), state)",
    },
  );
}
