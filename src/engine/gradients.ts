import * as tf from "@tensorflow/tfjs-core";
import { check } from "../errors.js";

// Gradients that tfjs lacks, has wrong, or has in a form whose own gradient is wrong. Registered for all devices, compiled or eager.

type Gradients = ReturnType<tf.GradFunc>;

/** Replaces or adds the gradient of a kernel; `saved` are the inputs named in `inputs`. */
function register(
  kernelName: string,
  inputs: string[],
  gradient: (dy: tf.Tensor, saved: tf.Tensor[], attrs: tf.NamedAttrMap) => Gradients,
): void {
  tf.registerGradient({
    kernelName,
    inputsToSave: inputs,
    gradFunc: (dy, saved, attrs) => gradient(dy as tf.Tensor, saved, attrs),
  });
}

const zeros = (inputs: string[], saved: tf.Tensor[]): Gradients =>
  Object.fromEntries(inputs.map((name, i) => [name, () => tf.zeros(saved[i]!.shape)]));

/** Comparisons are constant almost everywhere: without these, no mask that is computed from a parameter can be in a loss. */
function registerComparisons(): void {
  for (const kernel of ["Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual"])
    register(kernel, ["a", "b"], (_dy, saved) => zeros(["a", "b"], saved));
  for (const kernel of ["LogicalAnd", "LogicalOr"])
    register(kernel, ["a", "b"], (_dy, saved) => zeros(["a", "b"], saved));
  for (const kernel of ["LogicalNot", "Any", "All"])
    register(kernel, ["x"], (_dy, saved) => zeros(["x"], saved));
}

/**
 * Gradients written in terms of a kernel's result lose it in a gradient of gradients. tfjs's tape has the saved copy before the kernel itself, and silently
 * leaves out the path through it. They compute the result again from the inputs; compiled, equal nodes are merged.
 */
function registerRecomputed(): void {
  const kernels = {
    Exp: ["x"],
    Sigmoid: ["x"],
    Tanh: ["x"],
    Pow: ["a", "b"],
    Softmax: ["logits"],
  };
  for (const [kernelName, inputs] of Object.entries(kernels)) {
    const { gradFunc, inputsToSave = [] } = tf.getGradient(kernelName);
    register(kernelName, inputs, (dy, saved, attrs) => {
      const named = Object.fromEntries(inputs.map((name, i) => [name, saved[i]!]));
      const result = tf.engine().runKernel(kernelName, named, attrs) as tf.Tensor;
      return gradFunc(dy, [...(inputsToSave.length > 0 ? saved : []), result], attrs);
    });
  }
  register("Elu", ["x"], (dy, [x]) => ({
    x: () => tf.mul(dy, tf.where(tf.greater(x!, 0), tf.onesLike(x!), tf.exp(tf.minimum(x!, 0)))),
  }));
}

/** The first of equal largest (or smallest) gets the gradient, as in PyTorch; tfjs gives it whole to each of them. */
function registerExtremes(): void {
  for (const [kernelName, argument] of [
    ["Max", tf.argMax],
    ["Min", tf.argMin],
  ] as const)
    register(kernelName, ["x"], (dy, saved, attrs) => {
      const [x] = saved as [tf.Tensor];
      const { reductionIndices, axis } = attrs as Record<string, number | number[] | undefined>;
      const all = x.shape.map((_, i) => i);
      const reduced = tf.util.parseAxisParam(reductionIndices ?? axis ?? all, x.shape);
      const kept = all.filter((i) => !reduced.includes(i));
      const sizes = (axes: readonly number[]): number[] => axes.map((i) => x.shape[i]!);
      const size = sizes(reduced).reduce((a, b) => a * b, 1);
      const order = [...kept, ...reduced];
      return {
        x: () => {
          if (size === 1) return tf.reshape(dy, x.shape);
          // Rows of what is reduced.
          const rows = tf.reshape(tf.transpose(x, order), [-1, size]);
          const place = tf.oneHot(argument(rows, 1), size, 1, 0, "float32");
          const shares = tf.reshape(tf.mul(tf.reshape(dy, [-1, 1]), place), [
            ...sizes(kept),
            ...sizes(reduced),
          ]);
          return tf.transpose(shares, backward(order));
        },
      };
    });
}

/** The order of axes that undoes `order`. */
const backward = (order: readonly number[]): number[] => order.map((_, i) => order.indexOf(i));

/** tfjs forgets to sum over the axes along which these broadcast. */
function registerBroadcasting(): void {
  for (const kernelName of ["Maximum", "Minimum", "SquaredDifference", "BatchMatMul"]) {
    const { gradFunc } = tf.getGradient(kernelName);
    register(kernelName, ["a", "b"], (dy, saved, attrs) => {
      const wide = gradFunc(dy, saved, attrs);
      return {
        a: () => summedTo(wide.a!(), saved[0]!.shape),
        b: () => summedTo(wide.b!(), saved[1]!.shape),
      };
    });
  }
}

function summedTo(wide: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, wide.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(wide, axes) : wide, shape);
}

/** Kernels with inputs that may be missing, here batch normalization's scale and offset: tfjs's tape fails on those. */
function registerOptional(): void {
  const engine = tf.engine();
  const runKernel = engine.runKernel.bind(engine) as typeof engine.runKernel;
  engine.runKernel = (kernelName, inputs, attrs) => {
    const all = Object.entries(inputs);
    const given = Array.isArray(inputs) || all.every(([, input]) => input != null);
    return runKernel(
      kernelName,
      given ? inputs : Object.fromEntries(all.filter(([, x]) => x != null)),
      attrs,
    );
  };
  // Which inputs are saved is asked by mapping their names to tensors.
  const names = ["x", "mean", "variance", "scale"];
  const present = <T>(f: (name: string) => T): T[] => names.map((name) => f(name)).filter((x) => x != null);
  tf.registerGradient({
    ...tf.getGradient("FusedBatchNorm"),
    inputsToSave: Object.assign([...names], { map: present }),
  });
}

/** Shapes or types that tfjs gets wrong. */
function registerCorrected(): void {
  register("Cumsum", ["x"], (dy, _saved, attrs) => {
    const { axis, exclusive, reverse } = attrs as { axis: number; exclusive: boolean; reverse: boolean };
    return { x: () => tf.cumsum(dy, axis, exclusive, !reverse) };
  });
  // A kernel with a list of results has a list of gradients, except when it is a list of one.
  tf.registerGradient({
    kernelName: "Unpack",
    gradFunc: (dy, _saved, attrs) => ({ value: () => tf.stack([dy].flat(), attrs.axis as number) }),
  });
  tf.registerGradient({
    kernelName: "SplitV",
    gradFunc: (dy, _saved, attrs) => ({ x: () => tf.concat([dy].flat(), attrs.axis as number) }),
  });
  register("MirrorPad", ["x"], (dy, [x], attrs) => {
    const { paddings, mode } = attrs as MirrorPadAttributes;
    return {
      x: () => paddings.reduce((g, borders, axis) => folded(g, x!.shape[axis]!, axis, borders, mode), dy),
    };
  });
  const product = tf.getGradient("Prod");
  register("Prod", ["x"], (dy, saved, attrs) => {
    const { shape } = saved[0]!;
    const axis = tf.util.parseAxisParam(
      (attrs.axis as number[] | undefined) ?? shape.map((_, i) => i),
      shape,
    );
    return product.gradFunc(dy, saved, { ...attrs, axis });
  });
  const gather = tf.getGradient("GatherV2");
  register("GatherV2", ["x", "indices"], (dy, saved, attrs) => ({
    ...gather.gradFunc(dy, saved, attrs),
    indices: () => tf.zeros(saved[1]!.shape),
  }));
}

type MirrorPadAttributes = {
  paddings: [number, number][];
  mode: "reflect" | "symmetric";
};

/** The gradient of mirrored borders along one axis of length `size`: they are folded back to where they came from, and added. */
function folded(
  dy: tf.Tensor,
  size: number,
  axis: number,
  [before, after]: readonly [number, number],
  mode: "reflect" | "symmetric",
): tf.Tensor {
  if (before + after === 0) return dy;
  const skipped = mode === "reflect" ? 1 : 0;
  const part = (begin: number, length: number): tf.Tensor =>
    tf.slice(
      dy,
      dy.shape.map((_, i) => (i === axis ? begin : 0)),
      dy.shape.map((d, i) => (i === axis ? length : d)),
    );
  const mirrored = (begin: number, length: number, at: number): tf.Tensor[] =>
    length === 0
      ? []
      : [
          tf.pad(
            tf.reverse(part(begin, length), axis),
            dy.shape.map((_, i): [number, number] => (i === axis ? [at, size - at - length] : [0, 0])),
          ),
        ];
  return tf.addN([
    part(before, size),
    ...mirrored(0, before, skipped),
    ...mirrored(before + size, after, size - skipped - after),
  ]);
}

/** Gradients of linear maps' gradients are the maps themselves. */
function registerLinear(): void {
  register("Conv2DBackpropFilter", ["x", "dy"], (ddw, saved, attrs) => {
    const [x, dy] = saved as [tf.Tensor4D, tf.Tensor4D];
    const { strides, pad, dataFormat, dimRoundingMode } = attrs as ConvAttributes;
    const filter = ddw as tf.Tensor4D;
    const kernel = { strides, pad, dataFormat, dimRoundingMode, inputShape: x.shape };
    return {
      x: () => tf.engine().runKernel("Conv2DBackpropInput", { dy, filter }, kernel) as tf.Tensor,
      dy: () => tf.conv2d(x, filter, strides, pad, dataFormat, 1, dimRoundingMode),
    };
  });
  register("AvgPoolGrad", ["dy", "input"], (ddx, [, input], attrs) => ({
    dy: () => tf.engine().runKernel("AvgPool", { x: ddx }, attrs) as tf.Tensor,
    input: () => tf.zeros(input!.shape),
  }));
  register("MaxPoolGrad", ["dy", "input", "output"], (ddx, saved, attrs) => {
    const [dy, input, output] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    const { filterSize, strides } = attrs as PoolAttributes;
    const [windows, steps] = [filterSize, strides].map((size) => (Array.isArray(size) ? size : [size, size]));
    const apart = steps!.every((step, i) => step >= windows![i]!);
    check(apart, "strides", strides, `${filterSize} or more: overlapping windows have no second derivative`);
    return {
      // What ddx is where the maximum was: one place in each window. The ratio of means is that of sums, at borders, too.
      dy: () => {
        const mean = (x: tf.Tensor): tf.Tensor => tf.engine().runKernel("AvgPool", { x }, attrs) as tf.Tensor;
        const ones = tf.ones(dy.shape);
        const place = tf.engine().runKernel("MaxPoolGrad", { dy: ones, input, output }, attrs) as tf.Tensor;
        return tf.div(mean(tf.mul(ddx, place)), mean(place));
      },
      input: () => tf.zeros(input.shape),
      output: () => tf.zeros(output.shape),
    };
  });
  for (const kernelName of ["ResizeBilinear", "ResizeNearestNeighbor"]) {
    register(`${kernelName}Grad`, ["images", "dy"], (dImages, [images, dy], attrs) => {
      const size = dy!.shape.slice(1, 3);
      const forward = { halfPixelCenters: false, ...attrs, size };
      return {
        images: () => tf.zeros(images!.shape),
        dy: () => tf.engine().runKernel(kernelName, { images: dImages }, forward) as tf.Tensor,
      };
    });
  }
}

/** Ops for which tfjs has no gradient. */
function registerMissing(): void {
  register("FlipLeftRight", ["image"], (dy) => ({
    image: () => tf.image.flipLeftRight(dy as tf.Tensor4D),
  }));
  register("DepthToSpace", ["x"], (dy, [x], attrs) => {
    const [n, h, w, c] = x!.shape as [number, number, number, number];
    const block = attrs.blockSize as number;
    const squares = [n, h, block, w, block, c / block ** 2];
    return { x: () => tf.reshape(tf.transpose(tf.reshape(dy, squares), [0, 1, 3, 2, 4, 5]), x!.shape) };
  });
  tf.registerGradient({
    kernelName: "TopK",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => {
      const { k, sorted } = attrs as { k: number; sorted: boolean };
      const size = x!.shape.at(-1)!;
      return {
        x: () => {
          const [share] = dy as tf.Tensor[];
          if (size === 1) return tf.reshape(share!, x!.shape);
          const { indices } = tf.topk(x!, k, sorted);
          const places = tf.oneHot(tf.reshape(indices, [-1, k]), size, 1, 0, "float32") as tf.Tensor3D;
          return tf.reshape(tf.matMul(tf.reshape(share!, [-1, 1, k]), places), x!.shape);
        },
      };
    },
  });
  tf.registerGradient({
    kernelName: "Einsum",
    saveAllInputs: true,
    gradFunc: (dy, saved, attrs) => {
      const [inputs, out] = (attrs.equation as string).replace(/\s/g, "").split("->") as [string, string];
      const terms = inputs.split(",");
      return Object.fromEntries(
        saved.map((x, i) => {
          const others = saved.flatMap((y, j) => (j === i ? [] : [{ tensor: y, axes: terms[j]! }]));
          const factors = [{ tensor: dy as tf.Tensor, axes: out }, ...others];
          return [i, () => spread(factors, terms[i]!, x.shape)];
        }),
      );
    },
  });
}

/** The einsum of the factors with the result's axes, repeated along those of them that no factor has. */
function spread(
  factors: readonly { tensor: tf.Tensor; axes: string }[],
  axes: string,
  shape: readonly number[],
): tf.Tensor {
  const known = axes.split("").filter((axis) => factors.some((factor) => factor.axes.includes(axis)));
  // Numbers have no axes, and tfjs's einsum takes none without.
  const numbers = factors.filter((factor) => factor.axes === "");
  const tensors = factors.filter((factor) => factor.axes !== "");
  const equation = `${tensors.map((factor) => factor.axes)}->${known.join("")}`;
  const product = numbers.reduce(
    (sum: tf.Tensor, { tensor }) => tf.mul(sum, tensor),
    tensors.length > 0 ? tf.einsum(equation, ...tensors.map(({ tensor }) => tensor)) : tf.scalar(1),
  );
  const narrow = shape.map((d, i) => (known.includes(axes[i]!) ? d : 1));
  return tf.broadcastTo(tf.reshape(product, narrow), shape as number[]);
}

interface ConvAttributes extends tf.NamedAttrMap {
  strides: number | [number, number];
  pad: "valid" | "same" | number;
  dataFormat: "NHWC";
  dimRoundingMode: "floor" | "round" | "ceil";
}

type PoolAttributes = {
  filterSize: number | [number, number];
  strides: number | [number, number];
};

/** To be called once, after tfjs has registered its own. */
export function registerGradients(): void {
  registerComparisons();
  registerRecomputed();
  registerExtremes();
  registerBroadcasting();
  registerOptional();
  registerCorrected();
  registerLinear();
  registerMissing();
}
