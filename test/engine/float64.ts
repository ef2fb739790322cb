import * as tf from "@tensorflow/tfjs-core";

/**
 * Runs `f` with tfjs's plain JavaScript backend computing in double precision: its kernels allocate what they call float32 through the global
 * Float32Array. `f` must not return tensors.
 */
export function inFloat64<T>(f: () => T): T {
  const { Float32Array: single } = globalThis;
  const { platform } = tf.env();
  const { isTypedArray } = platform;
  const before = tf.getBackend();
  try {
    tf.setBackend("cpu");
    globalThis.Float32Array = Float64Array as unknown as typeof globalThis.Float32Array;
    platform.isTypedArray = (a): a is Float32Array | Int32Array | Uint8Array | Uint8ClampedArray =>
      a instanceof Float64Array || isTypedArray.call(platform, a);
    const results: T[] = [];
    tf.tidy(() => {
      results.push(f());
    });
    return results[0]!;
  } finally {
    globalThis.Float32Array = single;
    platform.isTypedArray = isTypedArray;
    tf.setBackend(before);
  }
}
