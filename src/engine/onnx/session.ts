// onnxruntime-node, or in a bundle for browsers onnxruntime-web: "imports" in package.json.

import "./telemetry.js"; // before ONNX Runtime

import * as tf from "@tensorflow/tfjs-core";
import * as ort from "#onnxruntime";
import { threadsWanted } from "../environment.js";
import type { Value } from "./graph.js";

export type Data = Float32Array | Int32Array | Uint8Array;

export interface Slot {
  shape: readonly number[];
  type: "float32" | "int32" | "bool";
}

/** A compiled graph: runs on data of fixed shapes. */
export interface Session {
  readonly outputs: readonly Slot[];
  /** Computes outputs from inputs, into `targets` where given and into new memory elsewhere. */
  run(inputs: readonly Data[], targets: readonly (Data | undefined)[]): Promise<Data[]>;
  /** Frees its memory; to be called once, when it does not run. */
  release(): Promise<void>;
}

/** Whether results are written into given tensors; onnxruntime-web leaves them unchanged. */
const fillsTargets = ort.env.versions.node !== undefined;

let providers: readonly string[] | undefined;

/** What computes graphs that are compiled from now on: ONNX Runtime's execution providers, best first; undefined is its own choice, the CPU. */
export function setExecutionProviders(names: readonly string[] | undefined): void {
  providers = names;
}

/** The execution providers in use, best first. */
export const currentProviders = (): readonly string[] =>
  providers ?? [ort.env.versions.node ? "cpu" : "wasm"];

/** The providers that ONNX Runtime was built with; CUDA's libraries are not in its package. */
export function supportedProviders(): readonly string[] {
  // onnxruntime-web has no such function, of which a bundler would warn.
  const list = Reflect.get(ort, "listSupportedBackends") as typeof ort.listSupportedBackends | undefined;
  return list?.().map(({ name }) => name) ?? ["webgpu"];
}

/** The output `y` of a model with one float32 input `x`, of one axis, computed by a provider. @throws Error with what ONNX Runtime says. */
export async function tryProvider(
  provider: string,
  model: Uint8Array,
  x: Float32Array,
): Promise<Float32Array> {
  const options = { executionProviders: [provider], logSeverityLevel: 4 as const };
  const session = await ort.InferenceSession.create(model, options);
  const { y } = await session.run({ x: new ort.Tensor("float32", x, [x.length]) });
  await session.release();
  return y!.data as Float32Array;
}

/** The shape of the only output `y` of a model with one float32 input, found by running it. */
export async function outputShape(
  model: Uint8Array,
  input: string,
  data: Float32Array,
  shape: readonly number[],
): Promise<readonly number[]> {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4 });
  const { y } = await session.run({ [input]: new ort.Tensor("float32", data, shape) });
  await session.release();
  return y!.dims;
}

/** Multiply-adds of a graph that one thread computes as fast as several: waking them up costs what they save; and cores stay free. */
const smallWork = 1e7;

/**
 * Nodes from which ONNX Runtime looks for fewer things to improve. Its search takes longer than all else that is done before the first step (1.7 of 3.3 s for 7,000
 * nodes), and what it finds beyond folded constants saves nothing that can be measured in a training step.
 */
const largeGraph = 1000;

/** `work` and `size` are the graph's, see `Graph.encode`. */
export async function createSession(
  model: Uint8Array,
  { work, size }: { work: number; size: number },
  usedInputs: readonly Value[],
  outputs: readonly Value[],
): Promise<Session> {
  const threads = work < smallWork ? 1 : threadsWanted();
  const session = await ort.InferenceSession.create(model, {
    ...(providers && { executionProviders: [...providers] }),
    graphOptimizationLevel: size > largeGraph ? "basic" : "all",
    executionMode: "sequential",
    logSeverityLevel: 3,
    // Threads of one session must not spin while another one works: a program has several (training, sampling, metrics).
    extra: { session: { force_spinning_stop: "1" } },
    ...(threads && { intraOpNumThreads: threads }),
    // Memory planned ahead would be one block that nothing else shares, for large graphs up to half as much again.
    enableMemPattern: work < smallWork,
  });
  const slots = outputs.map(({ shape, type }) => ({ shape, type }) as Slot);
  const used = usedInputs.map((value) => ({
    name: value.name,
    position: Number(value.name.slice(2)),
    shape: value.shape,
    type: value.type as Slot["type"],
  }));
  return {
    outputs: slots,
    release: () => session.release(),
    run: async (inputs, targets) => {
      const feeds: Record<string, ort.Tensor> = {};
      for (const { name, position, shape, type } of used)
        feeds[name] = ortTensor(type, inputs[position]!, shape);
      const fetches: Record<string, ort.Tensor | null> = {};
      slots.forEach(({ shape, type }, i) => {
        const target = targets[i];
        fetches[`out${i}`] = target && fillsTargets ? ortTensor(type, target, shape) : null;
      });
      const results = await session.run(feeds, fetches);
      return slots.map((_, i) => {
        const [target, result] = [targets[i], results[`out${i}`]!.data as Data];
        if (target && !fillsTargets) target.set(result);
        return target ?? result;
      });
    },
  };
}

const ortTensors = new WeakMap<Data, ort.Tensor>();

/** A tensor over data, without copying; the same for data that come again, as states and frozen weights do. */
function ortTensor(type: Slot["type"], data: Data, shape: readonly number[]): ort.Tensor {
  const known = ortTensors.get(data);
  if (
    known?.type === type &&
    known.dims.length === shape.length &&
    known.dims.every((d, i) => d === shape[i])
  )
    return known;
  // tfjs's cpu engine casts int32 to float32 without touching the data.
  const numbers = type === "float32" && !(data instanceof Float32Array) ? Float32Array.from(data) : data;
  const tensor = new ort.Tensor(type, numbers as Float32Array, shape);
  ortTensors.set(data, tensor);
  return tensor;
}

/** A tfjs tensor over data, without copying; without the checks of tf.tensor, which take longer than a small step's arithmetic. */
export const toTensor = (data: Data, slot: Slot): tf.Tensor =>
  tf.engine().makeTensor(data, slot.shape as number[], slot.type);
