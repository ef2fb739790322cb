import * as tf from "@tensorflow/tfjs-core";
import { type ContractionOps, einsum } from "./einsum.js";
import { interpolated, nearestSources, type Resizing } from "./resizing.js";

// Kernels of tfjs's plain JavaScript backend that are wrong or slow, rewritten. They compute in the global Float32Array, as tfjs's own do.

type KernelFunc = tf.KernelConfig["kernelFunc"];
export type KernelArguments = Parameters<KernelFunc>[0];
type Inputs = Record<string, tf.TensorInfo>;
type Shape4 = [number, number, number, number];
type Shape5 = [number, number, number, number, number];

/** To be called once, after tfjs has registered its own. */
export function registerHostKernels(): void {
  const replaced: Record<string, KernelFunc> = {
    Conv2DBackpropFilter: filterGradient,
    AvgPoolGrad: poolGradient(2, spreadMeans),
    AvgPool3DGrad: poolGradient(3, spreadMeans),
    MaxPoolGrad: poolGradient(2, toMaxima),
    MaxPool3DGrad: poolGradient(3, toMaxima),
    ResizeBilinearGrad: resizeGradient(interpolated),
    ResizeNearestNeighborGrad: resizeGradient(nearest),
    Einsum: contraction,
  };
  for (const [kernelName, kernelFunc] of Object.entries(replaced)) {
    tf.unregisterKernel(kernelName, "cpu");
    tf.registerKernel({ kernelName, backendName: "cpu", kernelFunc });
  }
  registerAxes("cpu");
  registerProducts("cpu");
}

/** Puts `around` about a backend's kernel: it gets the arguments and the kernel as it was. */
export function wrapKernel(
  kernelName: string,
  backendName: string,
  around: (args: KernelArguments, kernel: KernelFunc) => ReturnType<KernelFunc>,
): void {
  const config = tf.getKernel(kernelName, backendName);
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ ...config, kernelFunc: (args) => around(args, config.kernelFunc) });
}

/** tf.cumsum and tf.cumprod pass an axis counted from the end on unchanged, which the kernels do not understand. */
export function registerAxes(backendName: string): void {
  for (const kernelName of ["Cumsum", "Cumprod"])
    wrapKernel(kernelName, backendName, ({ inputs, attrs, backend }, kernel) => {
      const [axis] = tf.util.parseAxisParam(attrs!.axis as number, (inputs as Inputs).x!.shape);
      return kernel({ inputs, attrs: { ...attrs, axis: axis! }, backend });
    });
}

/** Of products whose batches are broadcast against each other the kernels compute only some: they get batches of one shape. */
export function registerProducts(backendName: string): void {
  for (const kernelName of ["BatchMatMul", "_FusedMatMul"])
    wrapKernel(kernelName, backendName, ({ inputs, attrs, backend }, kernel) => {
      const { a, b } = inputs as Inputs;
      const [batchA, batchB] = [a!.shape.slice(0, -2), b!.shape.slice(0, -2)];
      const one = (batch: readonly number[]): boolean => batch.every((d) => d === 1);
      if (one(batchA) || one(batchB) || tf.util.arraysEqual(batchA, batchB))
        return kernel({ inputs, attrs, backend });
      const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
      return composed(backend, () => {
        const wide = (info: tf.TensorInfo): tf.Tensor =>
          tf.broadcastTo(asTensor(info, backend), [...batch, ...info.shape.slice(-2)]);
        const whole = { ...(inputs as Inputs), a: wide(a!), b: wide(b!) };
        return tf.engine().runKernel(kernelName, whole, attrs) as tf.Tensor;
      });
    });
}

const plainOps: ContractionOps<tf.Tensor> = {
  shape: (x) => x.shape,
  sum: (x, axes) => tf.sum(x, axes),
  transpose: (x, order) => tf.transpose(x, order),
  reshape: (x, shape) => tf.reshape(x, shape),
  matMul: (a, b) => tf.matMul(a, b),
};

/** tfjs's own takes axes that only one tensor has for others. */
export const contraction: KernelFunc = ({ inputs, attrs, backend }) =>
  composed(backend, () => {
    const tensors = Object.values(inputs).map((info) => asTensor(info as tf.TensorInfo, backend));
    return einsum(plainOps, attrs!.equation as string, tensors);
  });

/** The result of other ops as that of a kernel: the tensor is disposed with the scope it was made in; its data stays. */
export function composed(backend: unknown, f: () => tf.Tensor): tf.TensorInfo {
  const { dataId, shape, dtype } = tf.tidy(f);
  (backend as tf.KernelBackend).incRef(dataId);
  return { dataId, shape, dtype };
}

export function asTensor({ dataId, shape, dtype }: tf.TensorInfo, backend: unknown): tf.Tensor {
  (backend as tf.KernelBackend).incRef(dataId);
  return tf.engine().makeTensorFromDataId(dataId, shape, dtype);
}

const read = (info: tf.TensorInfo, backend: unknown): Float32Array =>
  (backend as tf.KernelBackend).readSync(info.dataId) as Float32Array;

const write = (data: Float32Array, shape: number[], backend: unknown): tf.TensorInfo => ({
  dataId: (backend as tf.KernelBackend).write(data, shape, "float32"),
  shape,
  dtype: "float32",
});

type FilterGradientAttributes = {
  strides: number | [number, number];
  pad: "same" | "valid" | number;
  filterShape: Shape4;
  dimRoundingMode?: "floor" | "round" | "ceil";
};

export const convolutionOf = (x: tf.TensorInfo, attrs: unknown): tf.backend_util.Conv2DInfo => {
  const { strides, pad, filterShape, dimRoundingMode } = attrs as FilterGradientAttributes;
  return tf.backend_util.computeConv2DInfo(
    x.shape as Shape4,
    filterShape,
    strides,
    1,
    pad as never,
    dimRoundingMode,
  );
};

/**
 * dW[ky, kx, i, o] = the sum over all positions of x there, at (ky, kx) from it, times dy. tfjs's own takes 30 times as long as its convolution.
 */
const filterGradient: KernelFunc = ({ inputs, attrs, backend }) => {
  const [xInfo, dyInfo] = [inputs.x, inputs.dy] as [tf.TensorInfo, tf.TensorInfo];
  const [x, dy] = [read(xInfo, backend), read(dyInfo, backend)];
  const info = convolutionOf(xInfo, attrs);
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
  const { filterShape } = attrs as FilterGradientAttributes;
  return write(Float32Array.from(dW), filterShape, backend);
};

type PoolAttributes = {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: "same" | "valid" | number;
  dimRoundingMode?: "floor" | "round" | "ceil";
};

/** The windows of pooling along one axis of `size` places: those of window i are `windows[i]`, cut off at the borders. */
interface PoolAxis {
  size: number;
  windows: readonly { first: number; end: number }[];
}

function poolAxis(size: number, count: number, filter: number, stride: number, pad: number): PoolAxis {
  const windows = Array.from({ length: count }, (_, i) => ({
    first: Math.max(0, i * stride - pad),
    end: Math.min(size, i * stride - pad + filter),
  }));
  return { size, windows };
}

/** An image has a depth of 1. */
function poolAxes(shape: readonly number[], rank: 2 | 3, attrs: PoolAttributes): PoolAxis[] {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  if (rank === 2) {
    const info = tf.backend_util.computePool2DInfo(
      shape as Shape4,
      filterSize,
      strides,
      1,
      pad as never,
      dimRoundingMode,
    );
    const { top, left } = info.padInfo;
    return [
      poolAxis(1, 1, 1, 1, 0),
      poolAxis(info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, top),
      poolAxis(info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, left),
    ];
  }
  const info = tf.backend_util.computePool3DInfo(
    shape as Shape5,
    filterSize as never,
    strides as never,
    1,
    pad as never,
    dimRoundingMode,
  );
  const { front, top, left } = info.padInfo;
  return [
    poolAxis(info.inDepth, info.outDepth, info.filterDepth, info.strideDepth, front),
    poolAxis(info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, top),
    poolAxis(info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, left),
  ];
}

/** Adds a window's derivative `dy` [channels from `from`] to dx at the window's `places`, the first of each one's channels. */
type Spread = (
  dx: Float32Array,
  places: readonly number[],
  channels: number,
  dy: Float32Array,
  from: number,
  x: Float32Array,
) => void;

const spreadMeans: Spread = (dx, places, channels, dy, from) => {
  for (const place of places)
    for (let c = 0; c < channels; c++) dx[place + c]! += dy[from + c]! / places.length;
};

/** The first of equal maxima gets the derivative. */
const toMaxima: Spread = (dx, places, channels, dy, from, x) => {
  for (let c = 0; c < channels; c++) {
    let best = places[0]!;
    for (const place of places) if (x[place + c]! > x[best + c]!) best = place;
    dx[best + c]! += dy[from + c]!;
  }
};

function poolGradient(rank: 2 | 3, spread: Spread): KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const { dy: dyInfo, input } = inputs as Inputs;
    const [x, dy] = [read(input!, backend), read(dyInfo!, backend)];
    const [depth, height, width] = poolAxes(input!.shape, rank, attrs as PoolAttributes) as [
      PoolAxis,
      PoolAxis,
      PoolAxis,
    ];
    const channels = input!.shape.at(-1)!;
    const dx = new Float32Array(x.length);
    let from = 0;
    for (let n = 0; n < input!.shape[0]!; n++)
      for (const deep of depth.windows)
        for (const tall of height.windows)
          for (const wide of width.windows) {
            const places: number[] = [];
            for (let z = deep.first; z < deep.end; z++)
              for (let y = tall.first; y < tall.end; y++)
                for (let column = wide.first; column < wide.end; column++)
                  places.push((((n * depth.size + z) * height.size + y) * width.size + column) * channels);
            if (places.length > 0) spread(dx, places, channels, dy, from, x);
            from += channels;
          }
    return write(dx, input!.shape, backend);
  };
}

/** Runs over the images of dy: `add(place in dy, row and column there, image)`. */
function overImages(
  [count, height, width, channels]: Shape4,
  add: (from: number, row: number, column: number, image: number) => void,
): void {
  let from = 0;
  for (let n = 0; n < count; n++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        add(from, row, column, n);
        from += channels;
      }
}

/** For each of `to` places along an axis of `from` the ones that it is computed from, each with its weight. */
type Sources = (
  from: number,
  to: number,
  how: Resizing,
) => readonly (readonly (readonly [place: number, weight: number])[])[];

/** The gradient of a resizing: dy at each place goes to the places that it was computed from. */
const resizeGradient =
  (sources: Sources): KernelFunc =>
  ({ inputs, attrs, backend }) => {
    const { dy: dyInfo, images } = inputs as Inputs;
    const [, height, width, channels] = images!.shape as Shape4;
    const [, outHeight, outWidth] = dyInfo!.shape as Shape4;
    const rows = sources(height, outHeight, attrs as Resizing);
    const columns = sources(width, outWidth, attrs as Resizing);
    const dy = read(dyInfo!, backend);
    const dx = new Float32Array(tf.util.sizeFromShape(images!.shape));
    overImages(dyInfo!.shape as Shape4, (from, row, column, n) => {
      for (const [y, ofRow] of rows[row]!)
        for (const [at, ofColumn] of columns[column]!) {
          const to = ((n * height + y) * width + at) * channels;
          for (let c = 0; c < channels; c++) dx[to + c]! += ofRow * ofColumn * dy[from + c]!;
        }
    });
    return write(dx, images!.shape, backend);
  };

const nearest: Sources = (from, to, how) => nearestSources(from, to, how).map((place) => [[place, 1]]);
