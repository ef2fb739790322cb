// What tfjs's kernels make of integers and truth values. Its type checks let both through where a kernel knows only floats.

/** Kernels that know only floats; of integers tfjs's plain JavaScript backend gives integers, rounded. */
export const floatOnly: ReadonlySet<string> = new Set([
  "Acos",
  "Acosh",
  "Asin",
  "Asinh",
  "Atan",
  "Atan2",
  "Atanh",
  "Cumprod",
  "Expm1",
  "FusedBatchNorm",
  "Log1p",
  "Reciprocal",
  "Selu",
  "Sinh",
  "Softplus",
  "Step",
]);

/** Kernels whose result is the same as that of the input as floats. */
export const widening: ReadonlySet<string> = new Set([
  "Exp",
  "IsFinite",
  "IsInf",
  "IsNan",
  "LeakyRelu",
  "Prelu",
  "ResizeBilinear",
]);

/** Kernels that take truth values as they are: those that compare, choose, count, and move numbers. */
const takesTruth: ReadonlySet<string> = new Set([
  "All",
  "Any",
  "ArgMax",
  "ArgMin",
  "BatchToSpaceND",
  "BroadcastTo",
  "Cast",
  "Concat",
  "DepthToSpace",
  "Equal",
  "ExpandDims",
  "FlipLeftRight",
  "GatherNd",
  "GatherV2",
  "Greater",
  "GreaterEqual",
  "Identity",
  "Less",
  "LessEqual",
  "LogicalAnd",
  "LogicalNot",
  "LogicalOr",
  "LogicalXor",
  "Mean",
  "MirrorPad",
  "NotEqual",
  "OnesLike",
  "Pack",
  "PadV2",
  "Reshape",
  "ResizeNearestNeighbor",
  "Reverse",
  "ScatterNd",
  "Select",
  "Slice",
  "SpaceToBatchND",
  "SplitV",
  "StridedSlice",
  "Sum",
  "Tile",
  "Transpose",
  "Unpack",
  "ZerosLike",
]);

/** The type of input that a kernel cannot compute with, if there is one. */
export function unsuited(kernelName: string, dtypes: readonly string[]): string | undefined {
  if (dtypes.includes("int32") && floatOnly.has(kernelName)) return "int32";
  const truth = dtypes.includes("bool") && !takesTruth.has(kernelName) && !widening.has(kernelName);
  return truth ? "bool" : undefined;
}
