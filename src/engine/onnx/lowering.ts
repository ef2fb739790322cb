import { check } from "../../errors.js";
import { convolutionVariable, environment } from "../environment.js";
import { type ConvolutionLowering, convolutionLowerings, Graph } from "./graph.js";
import { blockedDomain, encodeModel } from "./proto.js";
import { currentProviders, outputShape } from "./session.js";

// The one place where a graph's convolutions get their lowering:
//   blocked    ONNX Runtime's convolutions on blocks of channels, the fastest on its CPU provider (kernels/blocked.ts);
//   gathered   windows gathered into a matrix, and a matrix product: WebAssembly, and shapes that do not fit blocks (kernels/gathered.ts);
//   standard   ONNX's own Conv, for providers that bring their own: WebGPU, CUDA (kernels/standard.ts).

interface Lowering {
  readonly convolution: ConvolutionLowering;
  readonly block: number;
  /** Why it is not the blocked one, if it is not. */
  readonly reason?: string;
}

/** A graph to trace into, with the lowering of convolutions that suits what will run it. */
export async function newGraph(): Promise<Graph> {
  const { convolution, block } = await lowering();
  const [provider] = currentProviders();
  return new Graph(convolution, block, provider === "webgpu");
}

/**
 * What convolutions of graphs compiled from now on become. TANGENT_LAB_CONVOLUTION forces one.
 * @throws TangentLabError `invalid-argument` for an unknown name in TANGENT_LAB_CONVOLUTION.
 */
export async function lowering(): Promise<Lowering> {
  const forced = environment(convolutionVariable) || undefined;
  const known = forced === undefined || (convolutionLowerings as readonly string[]).includes(forced);
  check(known, convolutionVariable, forced, convolutionLowerings.join(", "));
  const [provider] = currentProviders();
  const wanted = forced ?? { cpu: "blocked", wasm: "gathered" }[provider!] ?? "standard";
  if (wanted !== "blocked") return { convolution: wanted as ConvolutionLowering, block: 0 };
  const { block, reason } = await blockSize();
  return block > 1 ? { convolution: "blocked", block } : { convolution: "gathered", block: 0, reason };
}

/** In words: "in blocks of 16 channels", "gathered" and, where that was not the first choice, why. */
export async function describeLowering(): Promise<string> {
  const { convolution, block, reason } = await lowering();
  if (convolution === "blocked") return `in blocks of ${block} channels`;
  return reason ? `${convolution} (${reason})` : convolution;
}

let asked: Promise<{ block: number; reason: string }> | undefined;

/** Channels in a block, which depends on the processor: what ONNX Runtime makes of 8. Asked once for each process. */
function blockSize(): Promise<{ block: number; reason: string }> {
  asked ??= (async () => {
    const x = { name: "x", type: "float32", shape: [1, 8, 1, 1] } as const;
    const model = encodeModel({
      inputs: [x],
      outputs: [{ name: "y", type: "float32", shape: undefined }],
      initializers: [],
      nodes: [{ op: "ReorderInput", inputs: ["x"], outputs: ["y"], attributes: {}, domain: blockedDomain }],
    });
    try {
      const shape = await outputShape(model, "x", new Float32Array(8), x.shape);
      return { block: shape[1]!, reason: "this processor has no blocked kernels" };
    } catch (error) {
      return { block: 0, reason: `no blocked kernels: ${(error as Error).message.split("\n")[0]}` };
    }
  })();
  return asked;
}
