import * as tf from "@tensorflow/tfjs-core";
import "./tfjs.js";

let done = false;

/**
 * Gives the wasm backend the kernels that it lacks, so that everything trains on it: the gradient of a convolution's filter as matrix products,
 * the others by the plain JavaScript kernels on a copy of the data.
 */
export function registerCompositions(backendName: string): void {
  if (done) return;
  done = true;
  const present = new Set(tf.getKernelsForBackend(backendName).map((kernel) => kernel.kernelName));
  if (!present.has("Conv2DBackpropFilter")) {
    tf.registerKernel({ kernelName: "Conv2DBackpropFilter", backendName, kernelFunc: filterGradient });
  }
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend("cpu")) {
    if (present.has(kernelName) || kernelName === "Conv2DBackpropFilter") continue;
    tf.registerKernel({ kernelName, backendName, kernelFunc: onHost(kernelFunc) });
  }
}

type KernelFunc = tf.KernelConfig["kernelFunc"];
type KernelArguments = Parameters<KernelFunc>[0];

/** Runs a kernel of the plain JavaScript backend on copies of the inputs' data. */
function onHost(kernelFunc: KernelFunc): KernelFunc {
  return ({ inputs, attrs, backend }: KernelArguments) => {
    const home = backend as tf.KernelBackend;
    const host = tf.findBackend("cpu") as tf.KernelBackend;
    const copies: tf.TensorInfo[] = [];
    const hostInputs: Record<string, tf.TensorInfo> = {};
    for (const [name, info] of Object.entries(inputs)) {
      if (info == null) continue;
      const { shape, dtype, dataId } = info as tf.TensorInfo;
      const copy = { shape, dtype, dataId: host.write(home.readSync(dataId), shape, dtype) };
      hostInputs[name] = copy;
      copies.push(copy);
    }
    const result = kernelFunc({ inputs: hostInputs as KernelArguments["inputs"], attrs, backend: host });
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

/** Replaces the plain JavaScript backend's gradient of a convolution's filter, which takes 30 times as long as its convolution. */
export function registerFilterGradient(): void {
  tf.unregisterKernel("Conv2DBackpropFilter", "cpu");
  tf.registerKernel({
    kernelName: "Conv2DBackpropFilter",
    backendName: "cpu",
    kernelFunc: filterGradientInPlace,
  });
}

/** dW[ky, kx, i, o] = the sum over all positions of x there, at (ky, kx) from it, times dy. */
const filterGradientInPlace: KernelFunc = ({ inputs, attrs, backend }: KernelArguments) => {
  const home = backend as tf.KernelBackend;
  const { strides, pad, filterShape, dimRoundingMode } = attrs as unknown as FilterGradientAttributes;
  const [xInfo, dyInfo] = [inputs.x, inputs.dy] as [tf.TensorInfo, tf.TensorInfo];
  const [x, dy] = [xInfo, dyInfo].map(({ dataId }) => home.readSync(dataId)) as [Float32Array, Float32Array];
  const shape = xInfo.shape as [number, number, number, number];
  const info = tf.backend_util.computeConv2DInfo(
    shape,
    filterShape,
    strides,
    1,
    pad as never,
    dimRoundingMode,
  );
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterHeight, filterWidth } = info;
  const { top, left } = info.padInfo;
  const dW = new Float64Array(filterHeight * filterWidth * inChannels * outChannels);
  for (let n = 0; n < info.batchSize; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const fromDy = ((n * outHeight + oy) * outWidth + ox) * outChannels;
        for (let ky = 0; ky < filterHeight; ky++) {
          const y = oy * info.strideHeight + ky - top;
          if (y < 0 || y >= inHeight) continue;
          for (let kx = 0; kx < filterWidth; kx++) {
            const column = ox * info.strideWidth + kx - left;
            if (column < 0 || column >= inWidth) continue;
            const fromX = ((n * inHeight + y) * inWidth + column) * inChannels;
            let to = (ky * filterWidth + kx) * inChannels * outChannels;
            for (let i = 0; i < inChannels; i++) {
              const value = x[fromX + i]!;
              for (let o = 0; o < outChannels; o++) dW[to++]! += value * dy[fromDy + o]!;
            }
          }
        }
      }
    }
  }
  const dataId = home.write(Float32Array.from(dW), filterShape, "float32");
  return { dataId, shape: filterShape, dtype: "float32" };
};

interface FilterGradientAttributes {
  strides: number | [number, number];
  pad: "same" | "valid" | number;
  filterShape: [number, number, number, number];
  dimRoundingMode?: "floor" | "round" | "ceil";
}

/** dW at each filter position = (the inputs that it met)^T dy. */
const filterGradient: KernelFunc = ({ inputs, attrs, backend }: KernelArguments) => {
  const home = backend as tf.KernelBackend;
  const { strides, pad, filterShape, dimRoundingMode } = attrs as unknown as FilterGradientAttributes;
  const [x, dy] = [inputs.x, inputs.dy].map((info) => asTensor(info, home)) as [tf.Tensor4D, tf.Tensor4D];
  const info = tf.backend_util.computeConv2DInfo(
    x.shape,
    filterShape,
    strides,
    1,
    pad as never,
    dimRoundingMode,
  );
  const gradient = tf.tidy(() => {
    const { top, bottom, left, right } = info.padInfo;
    const padded = tf.pad(x, [
      [0, 0],
      [top, Math.max(bottom, 0) + info.strideHeight],
      [left, Math.max(right, 0) + info.strideWidth],
      [0, 0],
    ]);
    const dyRows = tf.reshape(dy, [-1, info.outChannels]);
    const parts: tf.Tensor[] = [];
    for (let ky = 0; ky < info.filterHeight; ky++) {
      for (let kx = 0; kx < info.filterWidth; kx++) {
        const met = tf.stridedSlice(
          padded,
          [0, ky, kx, 0],
          [
            info.batchSize,
            ky + (info.outHeight - 1) * info.strideHeight + 1,
            kx + (info.outWidth - 1) * info.strideWidth + 1,
            info.inChannels,
          ],
          [1, info.strideHeight, info.strideWidth, 1],
        );
        parts.push(tf.matMul(tf.reshape(met, [-1, info.inChannels]), dyRows, true, false));
      }
    }
    return tf.reshape(tf.stack(parts), filterShape);
  });
  // The tensor is disposed with the scope it was made in; its data goes on.
  home.incRef(gradient.dataId);
  return { dataId: gradient.dataId, shape: gradient.shape, dtype: gradient.dtype };
};

function asTensor(info: unknown, home: tf.KernelBackend): tf.Tensor {
  const { dataId, shape, dtype } = info as tf.TensorInfo;
  home.incRef(dataId);
  return tf.engine().makeTensorFromDataId(dataId, shape, dtype);
}
