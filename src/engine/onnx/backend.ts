import * as tf from "@tensorflow/tfjs-core";
import "../tfjs.js";
import { TangentLabError } from "../../errors.js";
import { unsuited, widening } from "../types.js";
import type { ConstantData, Graph, Value } from "./graph.js";
import { guarded } from "./guards.js";
import { type ElementType, elementType } from "./proto.js";

/** Name of the symbolic tfjs backend whose kernels record nodes of an ONNX graph instead of computing. */
const traceBackendName = "tangent-lab-trace";

/** What a kernel's implementation gets: values instead of tensors, and the graph to add nodes to. */
export interface KernelContext<Attrs> {
  graph: Graph;
  inputs: Record<string, Value>;
  /** All inputs in order, for kernels with a list of them. */
  list: Value[];
  attrs: Attrs;
}
// biome-ignore lint/suspicious/noExplicitAny: attributes differ by kernel; each implementation states its own
export type Kernel = (context: KernelContext<any>) => Value | Value[];

type Stored = {
  value?: Value;
  graph?: Graph;
  values?: tf.BackendValues;
  dtype: tf.DataType;
  shape: number[];
};

class TraceBackend extends tf.KernelBackend {
  graph: Graph | undefined;
  /** Variables from outside, which the current step reads: inputs of the graph. */
  readonly variables = new Map<tf.Variable, Value>();
  private readonly store = new tf.DataStorage<Stored>(this, tf.engine());

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.store.set(dataId, { values, dtype, shape });
    return dataId;
  }

  override move(dataId: object, values: tf.BackendValues, shape: number[], dtype: tf.DataType): void {
    this.store.set(dataId, { values, dtype, shape });
  }

  /** A tensor standing for a value of the graph. */
  adopt(value: Value): tf.TensorInfo {
    const dataId = {};
    const dtype = value.type as tf.DataType;
    this.store.set(dataId, { value, graph: this.graph!, dtype, shape: [...value.shape] });
    return { dataId, shape: [...value.shape], dtype };
  }

  /** The value in the current graph; tensors captured from outside the step become constants, variables inputs. */
  value(info: tf.TensorInfo): Value {
    if (info instanceof tf.Variable) return this.variable(info);
    const { dataId, shape } = info;
    const stored = this.store.get(dataId);
    if (!stored.value || stored.graph !== this.graph) {
      if (!stored.values) {
        throw new TangentLabError(
          "value-read-in-step",
          "a tensor made while tracing one step was used in another; return it from the step and pass it in as an argument",
        );
      }
      stored.value = this.graph!.constant(
        typed(stored.values, stored.dtype),
        stored.shape,
        elementTypeOf(stored.dtype),
      );
      stored.graph = this.graph!;
    }
    return sameSize(stored.value, shape) ? stored.value : reshapeTo(this.graph!, stored.value, shape);
  }

  private variable(variable: tf.Variable): Value {
    const known = this.variables.get(variable);
    if (known) return known;
    const value = this.graph!.input(variable.shape, elementTypeOf(variable.dtype));
    this.variables.set(variable, value);
    return value;
  }

  override readSync(dataId: object): tf.BackendValues {
    const { values, shape } = this.store.get(dataId);
    if (values) return values;
    throw new TangentLabError(
      "value-read-in-step",
      `the values of a tensor of shape [${shape}] were read (dataSync, data, array, print) inside a compiled step, at ${userFrame()}, where ` +
        "there are none yet. Return the tensor from the step and read it outside; choose between values with tf.where; pass numbers that change " +
        "from step to step in as tensors",
    );
  }
  override async read(dataId: object): Promise<tf.BackendValues> {
    return this.readSync(dataId);
  }

  override numDataIds(): number {
    return this.store.numDataIds();
  }
  override disposeData(): boolean {
    return true;
  }
  override incRef(): void {}
  override refCount(): number {
    return 1;
  }
  override timerAvailable(): boolean {
    return false;
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override dispose(): void {}
}

let backend: TraceBackend | undefined;

/** Registers the backend with its kernels; once. Kernels of tfjs that are not covered get an error that names them. */
export function registerTraceBackend(kernels: Readonly<Record<string, Kernel>>): void {
  if (backend) return;
  backend = new TraceBackend();
  const trace = backend;
  tf.registerBackend(traceBackendName, () => trace, 0);
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: traceBackendName,
      kernelFunc: ({ inputs, attrs }) => {
        const infos = Object.entries(inputs).filter(([, info]) => info != null) as [string, tf.TensorInfo][];
        const values = infos.map(([name, info]) => [name, widened(kernelName, trace.value(info))] as const);
        checkTypes(
          kernelName,
          values.map(([, value]) => value.type),
        );
        const out = kernel({
          graph: trace.graph!,
          inputs: Object.fromEntries(values),
          list: values.map(([, value]) => value),
          attrs,
        });
        return Array.isArray(out) ? out.map((v) => trace.adopt(v)) : trace.adopt(out);
      },
    });
  }
  for (const { kernelName } of tf.getKernelsForBackend("cpu")) {
    if (kernelName in kernels) continue;
    tf.registerKernel({
      kernelName,
      backendName: traceBackendName,
      kernelFunc: ({ inputs }) => {
        const shapes = Object.entries(inputs).map(
          ([name, t]) => `${name} [${(t as tf.TensorInfo)?.shape ?? ""}]`,
        );
        throw new TangentLabError(
          "unsupported-op",
          `compiled steps have no ${kernelName} (inputs ${shapes.join(", ")}), called at ${userFrame()}`,
          {
            argument: kernelName,
            allowed:
              'write it with other ops, or run the function on another device: useDevice("tensorflow" | "wasm" | "cpu")',
          },
        );
      },
    });
  }
}

/** The value as floats for kernels whose result is then the same. */
const widened = (kernelName: string, value: Value): Value =>
  widening.has(kernelName) && value.type !== "float32"
    ? backend!.graph!.op("Cast", [value], value.shape, "float32", { to: elementType.float32 })
    : value;

/** @throws TangentLabError `unsupported-op` for a kernel that cannot compute with one of these types. */
function checkTypes(kernelName: string, dtypes: readonly ElementType[]): void {
  const dtype = unsuited(kernelName, dtypes);
  if (!dtype) return;
  throw new TangentLabError(
    "unsupported-op",
    `compiled steps have no ${kernelName} of ${dtype}, called at ${userFrame()}`,
    {
      argument: kernelName,
      allowed: 'float32: tf.cast(x, "float32")',
    },
  );
}

/** Fails if a step is being traced: what is called then must be plain functions. */
export function checkNotTracing(): void {
  if (!backend?.graph) return;
  throw new TangentLabError(
    "value-read-in-step",
    `a compiled function was called inside another step, at ${userFrame()}; call the plain function there`,
  );
}

/**
 * Runs `f` with symbolic tensors for `inputs`, which fills `graph`, and returns it, the values of the tensors that `f` gives back, and the variables that it read:
 * the graph's inputs after the given ones.
 */
export function trace(
  inputs: readonly { shape: readonly number[]; dtype: tf.DataType }[],
  f: (tensors: tf.Tensor[]) => tf.Tensor[],
  graph: Graph,
): { graph: Graph; outputs: Value[]; variables: tf.Variable[] } {
  const previous = tf.getBackend();
  try {
    tf.setBackend(traceBackendName);
    backend!.graph = graph;
    let outputs: Value[] = [];
    tf.tidy(() => {
      const tensors = inputs.map(({ shape, dtype }) => {
        const info = backend!.adopt(graph.input(shape, elementTypeOf(dtype)));
        return tf.engine().makeTensorFromTensorInfo(info, backend!);
      });
      outputs = guarded(userFrame, () => f(tensors)).map((t) => backend!.value(t));
    });
    return { graph, outputs, variables: [...backend!.variables.keys()] };
  } finally {
    backend!.graph = undefined;
    backend!.variables.clear();
    tf.setBackend(previous);
  }
}

/** The first frame of the stack outside of tfjs and of the engine: the user's line. */
export function userFrame(): string {
  // tfjs alone fills the ten frames that a stack has by default; with source maps its files are not under node_modules.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  const frames = (new Error().stack ?? "").split("\n").slice(1);
  Error.stackTraceLimit = stackTraceLimit;
  const own =
    /[\\/]@tensorflow[\\/]|[\\/]tfjs-[a-z-]+[\\/]src[\\/]|[\\/]src[\\/]engine[\\/](onnx[\\/]|compile\.|gradients\.|tree\.)/;
  const elsewhere = /node:internal|\(<anonymous>\)/;
  const frame = frames.find((line) => !own.test(line) && !elsewhere.test(line)) ?? frames[0] ?? "";
  return frame.trim().replace(/^at /, "");
}

function elementTypeOf(dtype: tf.DataType): ElementType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new TangentLabError("unsupported-op", "invalid dtype of a tensor in a compiled step", {
    argument: "dtype",
    given: dtype,
    allowed: "float32, int32, bool",
  });
}

function typed(values: tf.BackendValues, dtype: tf.DataType): ConstantData {
  if (dtype === "float32")
    return values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number>);
  if (dtype === "int32")
    return values instanceof Int32Array ? values : Int32Array.from(values as ArrayLike<number>);
  return Uint8Array.from(values as ArrayLike<number>);
}

const sameSize = (value: Value, shape: readonly number[]): boolean =>
  value.shape.length === shape.length && value.shape.every((d, i) => d === shape[i]);

export const reshapeTo = (graph: Graph, x: Value, shape: readonly number[]): Value => {
  if (sameSize(x, shape)) return x;
  if (x.constant?.splat) return graph.splat(x.constant.data[0]!, shape, x.type);
  // A reshape of a reshape is one reshape.
  const source = x.node?.op === "Reshape" ? x.node.inputs[0]! : x;
  if (sameSize(source, shape)) return source;
  return graph.op("Reshape", [source, graph.integers(shape)], shape, x.type);
};
