import * as tf from "@tensorflow/tfjs-core";
import { type KernelArguments, wrapKernel } from "./host-kernels.js";
import { floatOnly, widening } from "./types.js";

// The plain JavaScript backend's kernels in place of another backend's, where that has none or is wrong.

type KernelFunc = tf.KernelConfig["kernelFunc"];
export type Inputs = Record<string, tf.TensorInfo>;

/** Has the plain JavaScript kernel compute those cases that a backend's own gets wrong or refuses. */
export function hostWhere(
  backendName: string,
  kernelName: string,
  condition: (inputs: Inputs, attrs: Record<string, unknown>) => boolean,
): void {
  const host = onHost(tf.getKernel(kernelName, "cpu").kernelFunc);
  wrapKernel(kernelName, backendName, (args, kernel) =>
    (condition(args.inputs as Inputs, { ...args.attrs }) ? host : kernel)(args),
  );
}

/**
 * Whether a kernel gets integers or truth values where it knows only floats: for those of `floats`, too, and truth values also where other kernels take them for numbers.
 */
export function otherNumbers(
  kernelName: string,
  floats: readonly string[] = [],
): (inputs: Inputs) => boolean {
  const compares = /^(Cast|Identity|Reshape|ExpandDims|Logical.*|Any|All)$/.test(kernelName);
  const ofFloats = floatOnly.has(kernelName) || widening.has(kernelName) || floats.includes(kernelName);
  return (inputs) => {
    const types = Object.entries(inputs).flatMap(([name, info]) =>
      info == null || name === "condition" ? [] : [info.dtype],
    );
    return (types.includes("bool") && !compares) || (ofFloats && types.some((type) => type !== "float32"));
  };
}

/** Runs a kernel of the plain JavaScript backend on copies of the inputs' data. */
export function onHost(kernelFunc: KernelFunc): KernelFunc {
  return ({ inputs, attrs, backend }: KernelArguments) => {
    const home = backend as tf.KernelBackend;
    const host = tf.findBackend("cpu") as tf.KernelBackend;
    const copies: tf.TensorInfo[] = [];
    const hostInputs: Record<string, tf.TensorInfo> = {};
    for (const [name, info] of Object.entries(inputs)) {
      if (info == null) continue;
      const { shape, dtype, dataId } = info as tf.TensorInfo;
      const copy = {
        shape,
        dtype,
        rank: shape.length,
        dataId: host.write(home.readSync(dataId), shape, dtype),
      };
      hostInputs[name] = copy;
      copies.push(copy);
    }
    const given = Array.isArray(inputs) ? copies : hostInputs;
    const result = kernelFunc({
      inputs: given as KernelArguments["inputs"],
      attrs,
      backend: host,
    });
    const back = (info: tf.TensorInfo): tf.TensorInfo => ({
      shape: info.shape,
      dtype: info.dtype,
      dataId: home.write(host.readSync(info.dataId), info.shape, info.dtype),
    });
    const out = Array.isArray(result) ? result.map(back) : back(result as tf.TensorInfo);
    for (const { dataId } of [...copies, ...[result].flat()] as tf.TensorInfo[])
      host.disposeData(dataId, true);
    return out;
  };
}
