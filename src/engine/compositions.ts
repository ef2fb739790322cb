import * as tf from "@tensorflow/tfjs-core";
import "./tfjs.js";
import {
  asTensor,
  composed,
  contraction,
  convolutionOf,
  type KernelArguments,
  registerAxes,
  registerProducts,
  wrapKernel,
} from "./host-kernels.js";
import { hostWhere, type Inputs, onHost, otherNumbers } from "./on-host.js";

type KernelFunc = tf.KernelConfig["kernelFunc"];

/** What the wasm backend has wrong: maxima of negative numbers, means of NaN, halves of gradients, numbers as integers, lost digits, borders, half pixels, swapped axes. */
const wrong = [
  "AvgPool",
  "AvgPool3DGrad",
  "AvgPoolGrad",
  "Conv3DBackpropFilterV2",
  "Conv3DBackpropInputV2",
  "Dilation2D",
  "Dilation2DBackpropFilter",
  "Dilation2DBackpropInput",
  "Log1p",
  "MaxPool3D",
  "MaxPool3DGrad",
  "MaxPoolGrad",
  "MaxPoolWithArgmax",
  "OneHot",
  "ResizeBilinearGrad",
  "ResizeNearestNeighborGrad",
];

let done = false;

/**
 * Gives the wasm backend the kernels that it lacks or has wrong, so that everything trains on it: the gradient of a convolution's filter and einsum as
 * matrix products, the others by the plain JavaScript kernels on a copy of the data.
 */
export function registerCompositions(): void {
  if (done) return;
  done = true;
  for (const kernelName of wrong) tf.unregisterKernel(kernelName, wasm);
  const present = new Set(tf.getKernelsForBackend(wasm).map((kernel) => kernel.kernelName));
  tf.registerKernel({ kernelName: "Conv2DBackpropFilter", backendName: wasm, kernelFunc: filterGradient });
  tf.registerKernel({ kernelName: "Einsum", backendName: wasm, kernelFunc: contraction });
  const made = ["Conv2DBackpropFilter", "Einsum"];
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend("cpu")) {
    if (present.has(kernelName) || made.includes(kernelName)) continue;
    tf.registerKernel({ kernelName, backendName: wasm, kernelFunc: onHost(kernelFunc) });
  }
  for (const { kernelName } of tf.getKernelsForBackend(wasm))
    if (tf.getKernel(kernelName, "cpu") && !made.includes(kernelName))
      hostWhere(wasm, kernelName, otherNumbers(kernelName, floatsInWasm));
  hostWhere(wasm, "Cast", (_inputs, { dtype }) => dtype === "bool");
  hostWhere(wasm, "GatherV2", (_inputs, { batchDims }) => Number(batchDims) > 0);
  hostWhere(wasm, "BatchMatMul", ({ a, b }) => a!.dtype !== "float32" || b!.dtype !== "float32");
  hostWhere(wasm, "Conv2D", gaps);
  hostWhere(wasm, "FusedConv2D", gaps);
  for (const kernelName of ["BatchMatMul", "_FusedMatMul"]) withoutStaleWeights(kernelName);
  keepNaN();
  registerAxes(wasm);
  registerProducts(wasm);
}

const wasm = "wasm";

/** Kernels that know only floats here, where they take the bits of integers and truth values for floats, and integers too elsewhere. */
const floatsInWasm = ["MaxPool", "ResizeNearestNeighbor", "StridedSlice"];

/** Strides that leave pixels out, with a border: the backend gives zeros. */
function gaps({ x, filter }: Inputs, attrs: Record<string, unknown>): boolean {
  const { strideHeight, strideWidth, filterHeight, filterWidth } = convolutionOf(x!, {
    ...attrs,
    filterShape: filter!.shape,
  });
  return attrs.pad !== "valid" && (strideHeight > filterHeight || strideWidth > filterWidth);
}

/** The backend keeps what it made of a product's second matrix under the matrix's id, and takes it for another shape of the same numbers, too. */
function withoutStaleWeights(kernelName: string): void {
  const shapes = new WeakMap<object, string>();
  wrapKernel(kernelName, wasm, ({ inputs, attrs, backend }, kernel) => {
    const home = backend as tf.KernelBackend;
    const { b } = inputs as Inputs;
    const shape = String(b!.shape.slice(-2));
    const known = shapes.get(b!.dataId) ?? shape;
    shapes.set(b!.dataId, known);
    if (known === shape) return kernel({ inputs, attrs, backend });
    const copy = home.write(home.readSync(b!.dataId), b!.shape, b!.dtype);
    const result = kernel({ inputs: { ...inputs, b: { ...b!, dataId: copy } }, attrs, backend });
    home.disposeData(copy);
    return result;
  });
}

/** The backend's own bounds make NaN a number. */
function keepNaN(): void {
  for (const kernelName of ["Maximum", "Minimum"])
    wrapKernel(kernelName, wasm, ({ inputs, attrs, backend }, kernel) => {
      const bounded = kernel({ inputs, attrs, backend }) as tf.TensorInfo;
      if (bounded.dtype !== "float32") return bounded;
      return composed(backend, () => {
        // Of NaN and a number it is the second.
        const b = asTensor((inputs as Inputs).b!, backend);
        const result = tf.engine().makeTensorFromDataId(bounded.dataId, bounded.shape, bounded.dtype);
        return tf.where(tf.isNaN(b), b, result);
      });
    });
  const clip = (kernelName: string, bounds: (attrs: tf.NamedAttrMap) => readonly [number, number]): void =>
    wrapKernel(kernelName, wasm, ({ inputs, attrs, backend }) => {
      const [least, most] = bounds(attrs as tf.NamedAttrMap);
      return composed(backend, () => {
        const x = asTensor((inputs as Inputs).x!, backend);
        const bound = (value: number): tf.Scalar => tf.scalar(value, x.dtype as "float32" | "int32");
        return tf.minimum(tf.maximum(x, bound(least)), bound(most));
      });
    });
  clip("ClipByValue", (attrs) => [attrs.clipValueMin as number, attrs.clipValueMax as number]);
  clip("Relu6", () => [0, 6]);
}

/** dW at each filter position = (the inputs that it met)^T dy. */
const filterGradient: KernelFunc = ({ inputs, attrs, backend }: KernelArguments) => {
  const [x, dy] = [inputs.x, inputs.dy].map((info) => asTensor(info as tf.TensorInfo, backend)) as [
    tf.Tensor4D,
    tf.Tensor4D,
  ];
  const info = convolutionOf(x, attrs);
  return composed(backend, () => {
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
    return tf.reshape(tf.stack(parts), attrs!.filterShape as number[]);
  });
};
