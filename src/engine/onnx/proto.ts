import protobuf from "protobufjs";

/** The part of the ONNX schema (onnx.proto3, IR version 9) that graphs made here use. */
const schema = `
syntax = "proto3";
package onnx;
message AttributeProto {
  string name = 1; int32 type = 20; float f = 2; int64 i = 3; bytes s = 4; TensorProto t = 5;
  repeated float floats = 7; repeated int64 ints = 8;
}
message ValueInfoProto { string name = 1; TypeProto type = 2; string doc_string = 3; }
message NodeProto {
  repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
  string domain = 7; repeated AttributeProto attribute = 5;
}
message ModelProto {
  int64 ir_version = 1; repeated OperatorSetIdProto opset_import = 8; string producer_name = 2; string producer_version = 3;
  string doc_string = 6; GraphProto graph = 7; repeated StringStringEntryProto metadata_props = 14;
}
message GraphProto {
  repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
}
message TensorProto { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
message TensorShapeProto { message Dimension { int64 dim_value = 1; string dim_param = 2; } repeated Dimension dim = 1; }
message TypeProto { message Tensor { int32 elem_type = 1; TensorShapeProto shape = 2; } Tensor tensor_type = 1; }
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message StringStringEntryProto { string key = 1; string value = 2; }
`;

const modelType = protobuf.parse(schema, { keepCase: true }).root.lookupType("onnx.ModelProto");

/** ONNX Runtime's fused ops, and its convolutions and poolings on blocks of channels: imported by the graphs that use them. */
export const fusedDomain = "com.microsoft";
export const blockedDomain = "com.microsoft.nchwc";

/** ONNX element types (TensorProto.DataType). */
export const elementType = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
export type ElementType = keyof typeof elementType;

export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] };
export type Attributes = Readonly<Record<string, Attribute>>;

export interface TensorSpec {
  name: string;
  type: ElementType;
  shape: readonly number[];
}

/** An input or output. */
export interface ValueSpec extends Omit<TensorSpec, "shape"> {
  /** Names stand for any size. Left to ONNX Runtime where it is undefined. */
  shape: readonly (number | string)[] | undefined;
  /** What it is, in words. */
  doc?: string;
}

export interface NodeSpec {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Attributes;
  domain?: string;
  name?: string;
}

export interface GraphSpec {
  inputs: readonly ValueSpec[];
  outputs: readonly ValueSpec[];
  initializers: readonly (TensorSpec & { data: Uint8Array })[];
  nodes: readonly NodeSpec[];
  /** For files that others read: what the model is, in words, and by names. */
  about?: {
    readonly name: string;
    readonly version: string;
    readonly doc: string;
    readonly metadata: Readonly<Record<string, string>>;
  };
}

/** The program that makes a model, as the file says it. */
export const producer = "tangent-lab";

/** Encodes a graph as an ONNX model file of opset 18. */
export function encodeModel(graph: GraphSpec): Uint8Array {
  const { about } = graph;
  const message = modelType.create({
    ir_version: 9,
    producer_name: producer,
    ...(about && {
      producer_version: about.version,
      doc_string: about.doc,
      metadata_props: Object.entries(about.metadata).map(([key, value]) => ({ key, value })),
    }),
    opset_import: [
      { domain: "", version: 18 },
      ...[...new Set(graph.nodes.map(({ domain }) => domain ?? ""))]
        .filter((domain) => domain !== "")
        .map((domain) => ({ domain, version: 1 })),
    ],
    graph: {
      name: about?.name ?? "step",
      node: graph.nodes.map((node) => ({
        op_type: node.op,
        input: node.inputs,
        output: node.outputs,
        name: node.name ?? "",
        domain: node.domain ?? "",
        attribute: Object.entries(node.attributes).map(([name, value]) => attribute(name, value)),
      })),
      initializer: graph.initializers.map((t) => ({
        name: t.name,
        dims: t.shape,
        data_type: elementType[t.type],
        raw_data: t.data,
      })),
      input: graph.inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
    },
  });
  return modelType.encode(message).finish();
}

function attribute(name: string, value: Attribute): object {
  if (typeof value === "string") return { name, type: 3, s: new TextEncoder().encode(value) };
  if (typeof value === "number") return { name, type: 2, i: value };
  if ("float" in value) return { name, type: 1, f: value.float };
  if ("floats" in value) return { name, type: 6, floats: value.floats };
  return { name, type: 7, ints: value };
}

const valueInfo = ({ name, type, shape, doc }: ValueSpec): object => ({
  name,
  ...(doc !== undefined && { doc_string: doc }),
  type: {
    tensor_type: {
      elem_type: elementType[type],
      ...(shape && {
        shape: { dim: shape.map((d) => (typeof d === "string" ? { dim_param: d } : { dim_value: d })) },
      }),
    },
  },
});

/** Whether these are the first bytes, at least 32 of them, of an ONNX file that was made here: its second field is the producer's name. */
export function isOurModel(start: Uint8Array): boolean {
  const mark = modelType.encode(modelType.create({ ir_version: 9, producer_name: producer })).finish();
  return mark.every((byte, i) => start[i] === byte);
}
