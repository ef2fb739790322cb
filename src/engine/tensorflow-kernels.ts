import * as tf from "@tensorflow/tfjs-core";
import { type KernelArguments, wrapKernel } from "./host-kernels.js";
import { hostWhere, type Inputs, otherNumbers } from "./on-host.js";

const tensorflow = "tensorflow";

/** What TensorFlow.js' backend for Node has of TensorFlow's own: ops by their names, with attributes. */
interface NodeBackend {
  binding: Record<"TF_ATTR_BOOL" | "TF_ATTR_TYPE" | "TF_FLOAT", number>;
  executeSingleOutput(op: string, attributes: object[], inputs: tf.TensorInfo[]): tf.TensorInfo;
}

/** Kernels with windows: of padding the package knows "same" and "valid". */
const windowed = [
  "AvgPool",
  "AvgPool3D",
  "AvgPool3DGrad",
  "AvgPoolGrad",
  "Conv2D",
  "Conv2DBackpropFilter",
  "Conv2DBackpropInput",
  "DepthwiseConv2dNative",
  "DepthwiseConv2dNativeBackpropFilter",
  "DepthwiseConv2dNativeBackpropInput",
  "MaxPool",
  "MaxPool3D",
  "MaxPoolGrad",
];

let done = false;

/** Mends the kernels that the package has wrong: they hold against double precision then, as on all devices (test/engine/gradients.test.ts). */
export function registerTensorFlowKernels(): void {
  if (done) return;
  done = true;
  for (const kernelName of windowed)
    hostWhere(tensorflow, kernelName, (_inputs, { pad }) => pad !== "same" && pad !== "valid" && pad !== 0);
  hostWhere(tensorflow, "MaxPool3DGrad", () => true); // all of equal largest get the gradient
  hostWhere(tensorflow, "Round", ({ x }) => x!.dtype !== "float32"); // of integers it makes zeros
  // TensorFlow takes a blank for one more axis.
  wrapKernel("Einsum", tensorflow, ({ inputs, attrs, backend }, kernel) => {
    const equation = (attrs!.equation as string).replaceAll(" ", "");
    return kernel({ inputs, attrs: { ...attrs, equation }, backend });
  });
  for (const kernelName of ["ResizeBilinearGrad", "ResizeNearestNeighborGrad"])
    wrapKernel(kernelName, tensorflow, (args, kernel) => resizeGradient(kernelName, args, kernel));
  for (const { kernelName } of tf.getKernelsForBackend(tensorflow))
    if (tf.getKernel(kernelName, "cpu")) hostWhere(tensorflow, kernelName, otherNumbers(kernelName));
}

type KernelFunc = tf.KernelConfig["kernelFunc"];

/** The package leaves out that places may be counted from the pixels' centres. */
function resizeGradient(
  kernelName: string,
  { inputs, attrs, backend }: KernelArguments,
  kernel: KernelFunc,
): ReturnType<KernelFunc> {
  if (!attrs!.halfPixelCenters) return kernel({ inputs, attrs, backend });
  const home = backend as unknown as NodeBackend;
  const { TF_ATTR_BOOL, TF_ATTR_TYPE, TF_FLOAT } = home.binding;
  const { dy, images } = inputs as Inputs;
  const attributes = [
    { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: "align_corners", type: TF_ATTR_BOOL, value: false },
    { name: "half_pixel_centers", type: TF_ATTR_BOOL, value: true },
  ];
  if (kernelName === "ResizeBilinearGrad")
    return home.executeSingleOutput(kernelName, attributes, [dy!, images!]);
  const size = tf.tensor1d(images!.shape.slice(1, 3), "int32");
  const dx = home.executeSingleOutput(kernelName, attributes, [dy!, size]);
  size.dispose();
  return dx;
}
