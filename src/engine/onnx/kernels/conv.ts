import { backend_util } from "@tensorflow/tfjs-core";
import { TangentLabError } from "../../../errors.js";
import type { Kernel } from "../backend.js";
import type { Graph, Value } from "../graph.js";
import * as blocked from "./blocked.js";
import * as gathered from "./gathered.js";
import { activated } from "./matmul.js";
import * as standard from "./standard.js";

type Shape4 = [number, number, number, number];
type Info = backend_util.Conv2DInfo;

interface ConvAttributes {
  strides: number | [number, number];
  pad: "valid" | "same" | number;
  dataFormat?: "NHWC" | "NCHW";
  dilations?: number | [number, number];
  dimRoundingMode?: "floor" | "round" | "ceil";
}

function geometry(
  x: readonly number[],
  filter: readonly number[],
  attrs: ConvAttributes,
  depthwise = false,
): Info {
  if (attrs.dataFormat === "NCHW") {
    throw new TangentLabError("unsupported-op", "convolutions of compiled steps are NHWC", {
      argument: "dataFormat",
      given: attrs.dataFormat,
      allowed: "NHWC",
    });
  }
  const dilations = attrs.dilations ?? 1;
  return backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    attrs.strides,
    dilations,
    attrs.pad as never,
    attrs.dimRoundingMode,
    depthwise,
  );
}

type Pass = (graph: Graph, x: Value, filter: Value, info: Info) => Value | undefined;

/** A pass of a convolution: as the graph's lowering has it, or gathered where that does not fit the shapes. */
const lower =
  (blocked: Pass, standard: Pass, gathered: (...inputs: Parameters<Pass>) => Value) =>
  (graph: Graph, x: Value, filter: Value, info: Info): Value => {
    const chosen = { blocked, standard, gathered }[graph.convolution];
    return chosen(graph, x, filter, info) ?? gathered(graph, x, filter, info);
  };

const convolve = lower(blocked.convolve, standard.convolve, gathered.convolve);
const backpropInput = lower(blocked.backpropInput, standard.backpropInput, gathered.backpropInput);
const backpropFilter = lower(blocked.backpropFilter, gathered.backpropFilter, gathered.backpropFilter);
const depthwise = lower(blocked.depthwise, standard.depthwise, gathered.depthwise);
const depthwiseBackpropInput = lower(
  blocked.depthwiseBackpropInput,
  standard.depthwiseBackpropInput,
  gathered.depthwiseBackpropInput,
);

export const convolutions: Record<string, Kernel> = {
  Conv2D: ({ graph, inputs: { x, filter }, attrs }) =>
    convolve(graph, x!, filter!, geometry(x!.shape, filter!.shape, attrs)),
  FusedConv2D: ({ graph, inputs: { x, filter, bias, preluActivationWeights }, attrs }) => {
    const y = convolve(graph, x!, filter!, geometry(x!.shape, filter!.shape, attrs));
    return activated(graph, y, bias, preluActivationWeights, attrs);
  },
  Conv2DBackpropInput: ({ graph, inputs: { dy, filter }, attrs }) =>
    backpropInput(graph, dy!, filter!, geometry(attrs.inputShape, filter!.shape, attrs)),
  Conv2DBackpropFilter: ({ graph, inputs: { x, dy }, attrs }) =>
    backpropFilter(graph, x!, dy!, geometry(x!.shape, attrs.filterShape, attrs)),
  DepthwiseConv2dNative: ({ graph, inputs: { x, filter }, attrs }) =>
    depthwise(graph, x!, filter!, geometry(x!.shape, filter!.shape, attrs, true)),
  DepthwiseConv2dNativeBackpropInput: ({ graph, inputs: { dy, filter }, attrs }) =>
    depthwiseBackpropInput(graph, dy!, filter!, geometry(attrs.inputShape, filter!.shape, attrs, true)),
  DepthwiseConv2dNativeBackpropFilter: ({ graph, inputs: { x, dy }, attrs }) => {
    const info = geometry(x!.shape, attrs.filterShape, attrs, true);
    return gathered.depthwiseBackpropFilter(graph, x!, dy!, info, attrs.filterShape);
  },
};
