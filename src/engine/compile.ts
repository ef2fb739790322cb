import * as tf from "@tensorflow/tfjs-core";
import * as tree from "./tree.js";

export interface CompileOptions {
  /**
   * The function is a step `(state, ...) => { state, ... }` whose incoming state is given up: its memory is used again, and reading
   * the old state afterwards is an error. Like JAX's donated arguments. Default false.
   */
  donate?: boolean;
}

/**
 * Compiles a pure function of trees of tensors. The returned function takes the same arguments and resolves to the same tree.
 * The function must be made of tfjs ops only and must not read values; noise, masks and step counts are inputs.
 */
export function compile<A extends tree.Tree[], R extends tree.Tree>(
  f: (...args: A) => R,
  options: CompileOptions = {},
): (...args: A) => Promise<R> {
  return async (...args) => {
    const result = tf.tidy(() => f(...args) as unknown as tf.TensorContainer) as unknown as R;
    if (options.donate) tree.dispose(args[0] as tree.Tree);
    return result;
  };
}
