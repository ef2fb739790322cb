import * as tf from "@tensorflow/tfjs-core";

/** Reads, and disposes all tensors that were made. */
export async function scoped(read: () => Promise<unknown>): Promise<void> {
  tf.engine().startScope();
  try {
    await read();
  } finally {
    tf.engine().endScope();
  }
}
