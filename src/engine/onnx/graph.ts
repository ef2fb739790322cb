import { fuse } from "./fuse.js";
import { type Attributes, type ElementType, encodeModel, type NodeSpec } from "./proto.js";
import { type ConstantData, type Node, sizeOf, type Value } from "./values.js";

export { type ConstantData, type Node, sameShape, sizeOf, type Value } from "./values.js";

/** What a convolution becomes: a Conv on blocks of channels, a Gather of windows and a matrix product, or ONNX's own Conv. */
export const convolutionLowerings = ["blocked", "gathered", "standard"] as const;
export type ConvolutionLowering = (typeof convolutionLowerings)[number];

/** An ONNX graph under construction: equal nodes are merged as they are added, unused ones left out when it is encoded. */
export class Graph {
  private nextName = 0;
  private readonly nodes: Node[] = [];
  private readonly nodeByKey = new Map<string, Node>();
  private readonly constantByKey = new Map<string, Value>();
  readonly inputs: Value[] = [];

  /**
   * @param convolution what convolutions become, see lowering.ts.
   * @param block channels in a block of ONNX Runtime's blocked layout, 16 or 8; 0 where that layout is not used.
   * @param webgpu whether shaders compute it, which bind few tensors and have sines of few digits.
   */
  constructor(
    readonly convolution: ConvolutionLowering = "gathered",
    readonly block = 0,
    readonly webgpu = false,
  ) {}

  input(shape: readonly number[], type: ElementType): Value {
    const value = { name: `in${this.inputs.length}`, shape: [...shape], type };
    this.inputs.push(value);
    return value;
  }

  /** A constant; arrays of one repeated value are kept as splats. */
  constant(data: ConstantData, shape: readonly number[], type: ElementType): Value {
    const size = sizeOf(shape);
    const first = data[0];
    // Of the same bits: 0 and -0 are different constants.
    const splat = size > 0 && (data.length === 1 || data.every((v) => Object.is(v, first)));
    if (splat) return this.splat(first as number | bigint, shape, type);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    // Latin-1 has a character for every byte, so that different constants have different keys. Large ones have a hash, and are compared.
    const text = size <= 4096 ? new TextDecoder("latin1").decode(bytes) : `#${hashOf(bytes)}`;
    const key = `bytes:${type}[${shape}]${text}`;
    const known = this.constantByKey.get(key);
    if (known && (size <= 4096 || sameBytes(bytes, bytesOf(known)))) return known;
    const value = {
      name: this.name("c"),
      shape: [...shape],
      type,
      constant: { data: data.slice(), splat: false },
    };
    if (!known) this.constantByKey.set(key, value);
    return value;
  }

  splat(fill: number | bigint, shape: readonly number[], type: ElementType): Value {
    const key = `splat:${type}[${shape}]${Object.is(fill, -0) ? "-0" : fill}`;
    const known = this.constantByKey.get(key);
    if (known) return known;
    const value = {
      name: this.name("c"),
      shape: [...shape],
      type,
      constant: { data: filled(type, 1, fill), splat: true },
    };
    this.constantByKey.set(key, value);
    return value;
  }

  /** A large constant that depends only on `name`: made once per graph. */
  cached(
    name: string,
    make: () => { data: ConstantData; shape: readonly number[]; type: ElementType },
  ): Value {
    const key = `cached:${name}`;
    let value = this.constantByKey.get(key);
    if (!value) {
      const { data, shape, type } = make();
      value = this.constant(data, shape, type);
      this.constantByKey.set(key, value);
    }
    return value;
  }

  /** A vector of int64, as ONNX wants shapes, axes and indices. */
  integers(values: readonly number[]): Value {
    const data = BigInt64Array.from(values, BigInt);
    const key = `integers:${values}`;
    const known = this.constantByKey.get(key);
    if (known) return known;
    const value: Value = {
      name: this.name("c"),
      shape: [values.length],
      type: "int64",
      constant: { data, splat: false },
    };
    this.constantByKey.set(key, value);
    return value;
  }

  /** Adds a node with one output, or finds the equal one. */
  op(
    op: string,
    inputs: readonly Value[],
    shape: readonly number[],
    type: ElementType,
    attributes: Attributes = {},
    domain = "",
  ): Value {
    return this.ops(op, inputs, [{ shape, type }], attributes, domain)[0]!;
  }

  ops(
    op: string,
    inputs: readonly Value[],
    outputs: readonly { shape: readonly number[]; type: ElementType }[],
    attributes: Attributes = {},
    domain = "",
  ): Value[] {
    const key = `${domain}${op}(${inputs.map((v) => v.name)})${textOf(attributes)}${outputs.length > 1 ? outputs.map((o) => `[${o.shape}]`) : ""}`;
    const known = this.nodeByKey.get(key);
    if (known) return known.outputs;
    const node: Node = { op, inputs, attributes, domain, outputs: [] };
    for (const { shape, type } of outputs) {
      node.outputs.push({ name: this.name("v"), shape: [...shape], type, node });
    }
    this.nodes.push(node);
    this.nodeByKey.set(key, node);
    return node.outputs;
  }

  /** The equal node's first output if there already is one. */
  find(op: string, inputs: readonly Value[], attributes: Attributes = {}): Value | undefined {
    return this.nodeByKey.get(`${op}(${inputs.map((v) => v.name)})${textOf(attributes)}`)?.outputs[0];
  }

  /** The nodes that the outputs need, in the order of computation; and the constants and inputs that these read. */
  needed(
    outputs: readonly Value[],
    isConstant: (value: Value) => boolean = (value) => value.constant !== undefined,
  ): { nodes: Node[]; constants: Set<Value>; inputs: Set<Value> } {
    const needed = new Set<Node>();
    const constants = new Set<Value>();
    const inputs = new Set<Value>();
    const pending: Value[] = [...outputs];
    for (let value = pending.pop(); value; value = pending.pop()) {
      if (isConstant(value)) constants.add(value);
      else if (!value.node) inputs.add(value);
      else if (!needed.has(value.node)) {
        needed.add(value.node);
        pending.push(...value.node.inputs);
      }
    }
    return { nodes: this.nodes.filter((node) => needed.has(node)), constants, inputs };
  }

  /**
   * Encodes what the outputs need. Every output gets a name of its own: out0, out1, ... `products` is
   * the multiply-adds of matrix products and convolutions, `work` counts any other number written as 8 of them, and `size` is the number of nodes. Inputs in `frozen` are constants.
   */
  encode(
    outputs: readonly Value[],
    frozen: ReadonlyMap<Value, Float32Array> = new Map(),
  ): { model: Uint8Array; usedInputs: Value[]; work: number; products: number; size: number } {
    const isConstant = (value: Value): boolean => value.constant !== undefined || frozen.has(value);
    const { nodes: own, constants, inputs: usedInputs } = this.needed(outputs, isConstant);
    // An output that a node computes takes the output's name; one that is given, known or wanted twice is copied.
    const renamed = new Map<Value, string>();
    const copies: NodeSpec[] = [];
    outputs.forEach((value, i) => {
      if (value.node && !renamed.has(value)) renamed.set(value, `out${i}`);
      else
        copies.push({
          op: "Identity",
          inputs: [renamed.get(value) ?? value.name],
          outputs: [`out${i}`],
          attributes: {},
        });
    });
    const nameOf = (value: Value): string => renamed.get(value) ?? value.name;
    const zeros = (shape: readonly number[]): Value => {
      const value = this.splat(0, shape, "float32");
      constants.add(value);
      return value;
    };
    const fused = fuse(own, outputs, zeros);
    const nodes: NodeSpec[] = lastFirst(fused).map((node) => ({
      op: node.op,
      inputs: node.inputs.map(nameOf),
      outputs: node.outputs.map(nameOf),
      attributes: node.attributes,
      domain: node.domain,
    }));
    nodes.push(...copies);
    const model = encodeModel({
      inputs: [...usedInputs].map(({ name, shape, type }) => ({ name, shape, type })),
      outputs: outputs.map(({ shape, type }, i) => ({ name: `out${i}`, shape, type })),
      initializers: [...constants].map((value) => ({
        name: value.name,
        type: value.type,
        shape: value.shape,
        data: bytesOf(value, frozen.get(value)),
      })),
      nodes,
    });
    const work = fused.reduce((sum, node) => sum + (productsOf(node) || 8 * writtenBy(node)), 0);
    const products = fused.reduce((sum, node) => sum + productsOf(node), 0);
    return { model, usedInputs: [...usedInputs], work, products, size: nodes.length };
  }

  private name(prefix: string): string {
    return `${prefix}${this.nextName++}`;
  }
}

/** Different attributes have different texts: JSON has no NaN, no infinities and no -0. */
const textOf = (attributes: Attributes): string =>
  JSON.stringify(attributes, (_, value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
      ? `number ${Object.is(value, -0) ? "-0" : value}`
      : value,
  );

/**
 * Nodes in the order in which ONNX Runtime runs them as they were added. It goes through the graph depth first from the results, and of a node's inputs
 * first to the one that was declared last. Declared in the order of tracing, the weights' gradients would all come at the end, with everything they are
 * computed from kept until then; so declared backwards. A node of one input counts as added with what it reads: gradients are reshaped long after.
 */
function lastFirst(nodes: readonly Node[]): Node[] {
  const added = new Map<Value, number>();
  nodes.forEach((node, i) => {
    const sources = node.inputs.filter((value) => !value.constant);
    const place = (sources.length === 1 && added.get(sources[0]!)) || i;
    for (const output of node.outputs) added.set(output, place);
  });
  const place = (node: Node): number => added.get(node.outputs[0]!)!;
  return [...nodes].reverse().sort((a, b) => place(b) - place(a));
}

const writtenBy = ({ outputs }: Node): number => outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** Multiply-adds of a matrix product or convolution; 0 of anything else. */
function productsOf(node: Node): number {
  const { op, inputs, attributes } = node;
  // Filters are declared as [out, in, height, width].
  if (op === "Conv") return writtenBy(node) * sizeOf(inputs[1]!.shape.slice(1));
  if (op !== "Gemm" && op !== "MatMul" && op !== "FusedMatMul") return 0;
  return writtenBy(node) * inputs[0]!.shape.at(attributes.transA ? -2 : -1)!;
}

function filled(type: ElementType, size: number, fill: number | bigint): ConstantData {
  if (type === "float32") return new Float32Array(size).fill(Number(fill));
  if (type === "int32") return new Int32Array(size).fill(Number(fill));
  if (type === "bool") return new Uint8Array(size).fill(Number(fill));
  return new BigInt64Array(size).fill(BigInt(fill));
}

/** FNV-1a over words of four bytes, and over what is left of one. */
function hashOf(bytes: Uint8Array): number {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % 4);
  let hash = 0x811c9dc5;
  for (let i = 0; i < whole; i += 4) hash = Math.imul(hash ^ words.getInt32(i, true), 0x01000193);
  for (let i = whole; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The bytes of a constant; of a frozen input, its data's. */
export function bytesOf(value: Value, frozen?: Float32Array): Uint8Array {
  const { data, splat } = value.constant ?? { data: frozen!, splat: false };
  const whole = splat ? filled(value.type, sizeOf(value.shape), data[0]!) : data;
  return new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength);
}
