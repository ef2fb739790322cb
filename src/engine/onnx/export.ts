import type * as tf from "@tensorflow/tfjs-core";
import { check, TangentLabError } from "../../errors.js";
import { registerTraceBackend, trace } from "./backend.js";
import { bytesOf, Graph, type Node, sizeOf, type Value } from "./graph.js";
import { kernels } from "./kernels/index.js";
import { type ElementType, encodeModel, type NodeSpec, type TensorSpec, type ValueSpec } from "./proto.js";

// Models for other programs: standard operations only, any number of examples at a time, weights as constants under their names.

/** An input or output: its shape without the batch, which comes first, and what it is. */
export interface ExportedValue {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: "float32" | "int32";
  readonly doc: string;
}

/** What is written besides the function itself. */
export interface ExportConfig {
  readonly inputs: readonly ExportedValue[];
  readonly output: ExportedValue;
  /** Parameters [P], and the names of the parts into which the function splits them. */
  readonly parameters: { readonly values: Float32Array; readonly names: readonly string[] };
  /** The number of examples that it takes; undefined is any. */
  readonly batch: number | undefined;
  readonly about: NonNullable<Parameters<typeof encodeModel>[0]["about"]>;
}

/** Two sizes of a batch that nothing else in a network has. What differs between the graphs of both follows from the batch. */
const sizes = [103, 109] as const;

/**
 * A function of parameters and inputs as an ONNX file.
 * @param f Pure, made of tfjs ops only, of parameters [P], inputs [batch, ...] and the size of the batch.
 * @throws TangentLabError `unsupported-op` for what only ONNX Runtime has, `invalid-argument` naming `batch` for a function whose graph is another one for each size
 * of the batch, if that is not given.
 */
export function exportModel(
  f: (parameters: tf.Tensor, inputs: tf.Tensor[], batch: number) => tf.Tensor,
  config: ExportConfig,
): Uint8Array {
  registerTraceBackend(kernels);
  const { inputs, parameters, batch } = config;
  const traced = (size: number): Traced => {
    const shapes = [
      { shape: [parameters.values.length], dtype: "float32" as const },
      ...inputs.map(({ shape, type }) => ({ shape: [size, ...shape], dtype: type })),
    ];
    const step = ([p, ...xs]: tf.Tensor[]): tf.Tensor[] => [f(p!, xs, size)];
    const { graph, outputs, variables } = trace(shapes, step, new Graph("standard"));
    check(
      variables.length === 0,
      "network",
      "a network with tf.variable in it",
      "one whose weights are its parameters",
    );
    return { graph, output: outputs[0]!, nodes: graph.needed(outputs).nodes };
  };
  if (batch !== undefined) return new Exporter(config, traced(batch)).encode();
  return new Exporter(config, traced(sizes[0]), traced(sizes[1])).encode();
}

interface Traced {
  readonly graph: Graph;
  readonly output: Value;
  /** In the order of computation. */
  readonly nodes: readonly Node[];
}

/** Numbers that are known now, of a part of the parameters; its name among them. */
interface Known {
  readonly data: Float32Array;
  readonly shape: readonly number[];
  readonly name: string;
}

class Exporter {
  private readonly nodes: NodeSpec[] = [];
  private readonly initializers = new Map<string, TensorSpec & { data: Uint8Array }>();
  private readonly known = new Map<Value, Known>();
  /** Of a value of the first graph, the one of the second. */
  private readonly pairs = new Map<Value, Value>();
  private next = 0;

  constructor(
    private readonly config: ExportConfig,
    private readonly one: Traced,
    private readonly other?: Traced,
  ) {}

  encode(): Uint8Array {
    const { config, one, other } = this;
    const [parameters, ...inputs] = one.graph.inputs as [Value, ...Value[]];
    this.known.set(parameters, {
      data: config.parameters.values,
      shape: parameters.shape,
      name: "parameters",
    });
    if (other) {
      for (const [i, value] of one.graph.inputs.entries()) this.pairs.set(value, other.graph.inputs[i]!);
      if (one.nodes.length !== other.nodes.length) throw this.fixed("nodes");
    }
    for (const [i, node] of one.nodes.entries()) this.add(node, other?.nodes[i]);
    const output = this.reference(one.output, other?.output);
    this.nodes.push({ op: "Identity", inputs: [output], outputs: [config.output.name], attributes: {} });
    const size = config.batch ?? "batch";
    const spec = ({ name, shape, type, doc }: ExportedValue): ValueSpec => ({
      name,
      shape: [size, ...shape],
      type,
      doc,
    });
    const bytes = [...this.initializers.values()].reduce((sum, { data }) => sum + data.length, 0);
    check(
      bytes < mostBytes,
      "model",
      `weights of ${bytes} bytes`,
      `less than ${mostBytes}, what an ONNX file can hold`,
    );
    // The inputs have the names that the user sees.
    const names = new Map(inputs.map(({ name }, i) => [name, config.inputs[i]!.name]));
    return encodeModel({
      inputs: config.inputs.map(spec),
      outputs: [spec(config.output)],
      initializers: [...this.initializers.values()],
      nodes: this.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map((name) => names.get(name) ?? name),
      })),
      about: config.about,
    });
  }

  private add(node: Node, other: Node | undefined): void {
    if (other) {
      const alike =
        node.op === other.op &&
        node.inputs.length === other.inputs.length &&
        JSON.stringify(node.attributes) === JSON.stringify(other.attributes);
      if (!alike) throw this.fixed(node.op);
      for (const [i, value] of node.outputs.entries()) this.pairs.set(value, other.outputs[i]!);
    }
    if (this.fold(node)) return;
    const inputs = node.inputs.map((value, i) => this.reference(value, other?.inputs[i], node));
    const outputs = node.outputs.map(({ name }) => name);
    if (node.op === "FusedMatMul") {
      this.product(node, inputs, outputs);
      return;
    }
    if (node.domain !== "")
      throw new TangentLabError(
        "unsupported-op",
        `the graph has a ${node.op}, which only ONNX Runtime knows`,
        {
          argument: node.op,
          allowed: "standard operations",
        },
      );
    this.nodes.push({ op: node.op, inputs, outputs, attributes: node.attributes });
  }

  /** A product of matrices that are stored transposed. */
  private product(node: Node, inputs: readonly string[], outputs: string[]): void {
    const straight = inputs.map((name, i) => {
      if (!node.attributes[i === 0 ? "transA" : "transB"]) return name;
      const axes = node.inputs[i]!.shape.map((_, axis) => axis);
      const perm = [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!];
      return this.node("Transpose", [name], { perm });
    });
    this.nodes.push({ op: "MatMul", inputs: straight, outputs, attributes: {} });
  }

  /** The name of what a node reads; of a constant that follows from the batch, computed from it. */
  private reference(value: Value, other: Value | undefined, reader?: Node): string {
    const known = this.known.get(value);
    if (known) return this.part(known, value);
    if (!value.constant) {
      if (other && this.pairs.get(value) !== other) throw this.fixed(reader?.op ?? "output");
      return value.name;
    }
    const plain = (): string => this.initializer(value.name, value.type, value.shape, bytesOf(value));
    if (!other) return plain();
    if (!other.constant || value.type !== other.type) throw this.fixed(reader?.op ?? "output");
    if (`${value.shape}` === `${other.shape}` && sameBytes(bytesOf(value), bytesOf(other))) return plain();
    if (value.type === "int64" && value.shape.length === 1 && `${value.shape}` === `${other.shape}`)
      return this.ofBatch(numbersOf(value), numbersOf(other), reader);
    const splat = value.constant.splat && other.constant.splat;
    if (splat && value.constant.data[0] === other.constant.data[0]) {
      const fill = this.initializer(`${value.name}_fill`, value.type, [], bytesOf({ ...value, shape: [] }));
      return this.node("Expand", [fill, this.ofBatch([...value.shape], [...other.shape])]);
    }
    throw this.fixed(reader?.op ?? "output");
  }

  /** Whole numbers that grow with the batch, such as a shape: where one alone is of a shape, ONNX finds it itself; else they are computed. */
  private ofBatch(numbers: readonly number[], others: readonly number[], reader?: Node): string {
    const differ = numbers.flatMap((number, i) => (number === others[i] ? [] : [i]));
    if (reader?.op === "Reshape" && differ.length === 1)
      return this.integers(numbers.map((number, i) => (i === differ[0] ? -1 : number)));
    const slopes = numbers.map((number, i) => (others[i]! - number) / (sizes[1] - sizes[0]));
    if (!slopes.every(Number.isInteger)) throw this.fixed(reader?.op ?? "shape");
    const [first] = this.config.inputs;
    const batch = this.node(
      "Shape",
      [this.one.graph.inputs[1]!.name],
      { start: 0, end: 1 },
      `batch_of_${first!.name}`,
    );
    const product = this.node("Mul", [batch, this.integers(slopes)]);
    return this.node("Add", [
      product,
      this.integers(numbers.map((number, i) => number - slopes[i]! * sizes[0])),
    ]);
  }

  private integers(values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.initializer(`int_${values.join("_")}`, "int64", [values.length], new Uint8Array(data.buffer));
  }

  /** A part of the parameters under its name; one that is also needed in another layout has the value's with it. */
  private part({ name, data, shape }: Known, value: Value): string {
    const bytes = bytesOf(value, data);
    const there = this.initializers.get(name);
    const same = !there || (`${there.shape}` === `${shape}` && sameBytes(there.data, bytes));
    return this.initializer(same ? name : `${name}.${value.name}`, "float32", shape, bytes);
  }

  private initializer(name: string, type: ElementType, shape: readonly number[], data: Uint8Array): string {
    if (!this.initializers.has(name)) this.initializers.set(name, { name, type, shape, data });
    return name;
  }

  /** Adds a node with one output; the same name is the same node. */
  private node(
    op: string,
    inputs: readonly string[],
    attributes: NodeSpec["attributes"] = {},
    name = `made${this.next++}`,
  ): string {
    if (!this.nodes.some(({ outputs }) => outputs[0] === name))
      this.nodes.push({ op, inputs, outputs: [name], attributes });
    return name;
  }

  /** Whether all that a node gives is known now: parameters, taken apart and laid out otherwise. */
  private fold({ op, inputs, outputs, attributes }: Node): boolean {
    const known = this.known.get(inputs[0]!);
    if (!known) return false;
    if (op === "Split" && known.shape.length === 1) {
      let end = 0;
      outputs.forEach((value, i) => {
        const begin = end;
        end += sizeOf(value.shape);
        const name = this.config.parameters.names[i] ?? `${known.name}.${i}`;
        this.known.set(value, { data: known.data.subarray(begin, end), shape: value.shape, name });
      });
      return true;
    }
    const [value] = outputs as [Value];
    if (op === "Reshape") {
      this.known.set(value, { ...known, shape: value.shape });
      return true;
    }
    if (op !== "Transpose") return false;
    const data = transposed(known, attributes.perm as number[]);
    this.known.set(value, { ...known, data, shape: value.shape });
    return true;
  }

  private fixed(what: string): TangentLabError {
    return new TangentLabError(
      "invalid-argument",
      "the network is another graph for each size of the batch",
      {
        argument: "batch",
        given: `undefined, and a ${what} that depends on it`,
        allowed: "a number of examples, which the file then takes at a time",
      },
    );
  }
}

/** Of protocol buffers; a little is for what is around the weights. */
const mostBytes = 2 ** 31 - 2 ** 24;

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

function numbersOf(value: Value): number[] {
  const { data, splat } = value.constant!;
  return Array.from({ length: sizeOf(value.shape) }, (_, i) => Number(data[splat ? 0 : i]));
}

/** The numbers with their axes in another order. */
function transposed({ data, shape }: Known, perm: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const sizes = perm.map((axis) => shape[axis]!);
  const steps = perm.map((axis) => strides[axis]!);
  const out = new Float32Array(data.length);
  const at = sizes.map(() => 0);
  let from = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      at[axis]!++;
      from += steps[axis]!;
      if (at[axis]! < sizes[axis]!) break;
      from -= at[axis]! * steps[axis]!;
      at[axis] = 0;
    }
  }
  return out;
}
