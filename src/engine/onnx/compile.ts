import type * as tf from "@tensorflow/tfjs-core";
import { check, TangentLabError } from "../../errors.js";
import { checkResult } from "../result.js";
import * as tree from "../tree.js";
import { registerTraceBackend, trace } from "./backend.js";
import { meaningOf } from "./gpu.js";
import { sizeOf, type Value } from "./graph.js";
import { kernels } from "./kernels/index.js";
import { newGraph } from "./lowering.js";
import { createSession, currentProviders, type Data, type Session, type Slot, toTensor } from "./session.js";

/** Options of `compile`. */
export interface CompileOptions {
  /**
   * The function is a step `(state, ...) => { state, ... }` whose incoming state is given up, as JAX's donated arguments are: its tensors are
   * disposed and their memory is used for a later state. Copy what you read from a state (`.dataSync().slice()`) if you want to keep it
   * beyond the next step. Default false.
   */
  donate?: boolean;
  /**
   * Arguments, by position, whose tensors are the same at every call, such as a trained model that samples: compiled, their float32 tensors of 256 numbers or
   * more are constants, prepared once. Others of the same shapes are compiled again, so this is not for the state of a training that goes on. What a donated
   * state passes on unchanged need not be named. Default none.
   */
  constants?: readonly number[];
}

interface Compiled {
  session: Session;
  /** Builds the result from its leaves. */
  build: (leaves: tf.Tensor[]) => tree.Tree;
  /** Outputs 0 .. donated-1 are the new state, in the order of the old one. */
  donated: number;
  /** For each output: the leaf of the old state that it is, untouched; or which of the session's outputs. */
  sources: readonly ({ readonly moved: number } | { readonly output: number })[];
  /** From outside, read at every call: inputs after the arguments' leaves. */
  variables: readonly tf.Variable[];
  /** Numbers of leaves that are constants of the graph, by the leaf: it serves these arguments only. */
  constants: ReadonlyMap<number, { readonly data: WeakRef<Data>; readonly version: number }>;
}

/** What has fewer numbers is not worth a graph of its own. */
const smallestConstant = 256;

/** How often one combination of shapes is compiled for what its states hand on; then that stays an input. */
const mostGuesses = 2;

/** Combinations of input shapes whose sessions a compiled function keeps. */
export const shapesKept = 32;

/** What is kept for one combination of input shapes. */
interface Entry<A> {
  /** The leaves of arguments of these shapes. */
  match: (args: A) => tf.Tensor[] | undefined;
  compiled: Promise<Compiled>;
  /** Calls that use it now. */
  running: number;
  /** No longer kept: to be released after the last of these calls. */
  retired: boolean;
}

/** Compiles `f` by tracing it, once for each combination of input structures and shapes; the least recently used are given up. */
export function compileOnnx<A extends tree.Tree[], R extends tree.Tree>(
  f: (...args: A) => R,
  { donate = false, constants = [] }: CompileOptions,
): (...args: A) => Promise<R> {
  /** The most recently used first. */
  const entries: Entry<A>[] = [];
  const buffers = new StateBuffers();
  const remove = (entry: Entry<A>): void => {
    const i = entries.indexOf(entry);
    if (i >= 0) entries.splice(i, 1);
  };
  const release = (entry: Entry<A>): void => {
    if (!entry.retired || entry.running > 0) return;
    entry.compiled.then(({ session }) => session.release()).catch(() => undefined);
  };
  const retire = (entry: Entry<A>): void => {
    remove(entry);
    entry.retired = true;
    release(entry);
  };
  const add = (args: A, guess: boolean): Entry<A> => {
    const match = tree.matcher(args) as (args: A) => tf.Tensor[];
    const entry = { match, compiled: build(f, args, donate, constants, guess), running: 0, retired: false };
    entries.unshift(entry);
    entry.compiled.catch(() => remove(entry));
    if (entries.length > shapesKept) {
      retire(entries.at(-1)!);
      buffers.forget();
    }
    return entry;
  };
  /** The entry for these arguments, which counts this call as running. */
  const find = async (args: A): Promise<{ leaves: tf.Tensor[]; entry: Entry<A>; compiled: Compiled }> => {
    let guesses = 0;
    for (const entry of [...entries]) {
      const leaves = entry.retired ? undefined : entry.match(args);
      if (!leaves) continue;
      entry.running++;
      const compiled = await entry.compiled;
      const kept = [...compiled.constants].map(([i, { data, version }]) => {
        const known = data.deref();
        // Memory that a later state was written into does not hold this constant any more.
        const current = known && versionOf(known) === version ? known : undefined;
        return [leaves[i]!.dataSync(), current] as const;
      });
      if (kept.every(([given, data]) => given === data)) {
        if (entry !== entries[0] && !entry.retired) {
          remove(entry);
          entries.unshift(entry);
        }
        return { leaves, entry, compiled };
      }
      entry.running--;
      if (kept.some(([, data]) => data === undefined)) retire(entry);
      else guesses++;
      release(entry);
    }
    const entry = add(args, guesses < mostGuesses);
    entry.running++;
    return { leaves: entry.match(args)!, entry, compiled: await entry.compiled };
  };
  const run = async (args: A, leaves: tf.Tensor[], compiled: Compiled): Promise<R> => {
    const { session, build: rebuild, donated, sources, variables } = compiled;
    const inputs = [...leaves, ...variables.map(alive)].map((tensor) => tensor.dataSync() as Data);
    const targets: (Data | undefined)[] = [];
    sources.forEach((source, i) => {
      if ("moved" in source) return;
      targets[source.output] = i < donated ? buffers.take(session.outputs[source.output]!) : undefined;
    });
    const results = await session.run(inputs, targets).catch(refused);
    const moved = new Set<number>();
    const tensors = sources.map((source, i) => {
      if ("moved" in source) {
        moved.add(source.moved);
        const { shape, dtype } = leaves[source.moved]!;
        return toTensor(inputs[source.moved]!, { shape, type: dtype as Slot["type"] });
      }
      if (i < donated) buffers.own(results[source.output]!);
      return toTensor(results[source.output]!, session.outputs[source.output]!);
    });
    if (donate) {
      const state = tree.leaves(args[0]!).length;
      // Two leaves may share their memory, of which one is handed on.
      const handedOn = new Set([...moved].map((i) => inputs[i]));
      for (let i = 0; i < state; i++) {
        if (!handedOn.has(inputs[i])) buffers.give(inputs[i]!);
        leaves[i]!.dispose();
      }
    }
    return rebuild(tensors) as R;
  };
  return async (...args) => {
    const { leaves, entry, compiled } = await find(args);
    try {
      return await run(args, leaves, compiled);
    } finally {
      entry.running--;
      release(entry);
    }
  };
}

/** What ONNX Runtime says against a graph or its numbers, as our error. */
function refused(cause: Error): never {
  const [provider] = currentProviders();
  const trouble = provider === "cuda" || provider === "webgpu" ? meaningOf(cause.message) : undefined;
  if (trouble)
    throw new TangentLabError(
      "device-unavailable",
      `a compiled step does not run on ${provider}: ${trouble}`,
      {
        argument: "engine",
        given: `onnx:${provider}`,
        allowed: "less at a time, such as a smaller batch; or another engine",
        cause,
      },
    );
  throw new TangentLabError("unsupported-op", `ONNX Runtime refuses the compiled step: ${cause.message}`, {
    argument: "f",
    allowed: 'what it can compute; or another device: useDevice("wasm" | "cpu")',
    cause,
  });
}

/** @throws TangentLabError `invalid-argument` for a variable that was disposed after the step was traced. */
function alive(variable: tf.Variable): tf.Variable {
  const allowed = "variables that live as long as the step that reads them; or arguments";
  check(!variable.isDisposed, `variable ${variable.name}`, "a disposed variable", allowed);
  return variable;
}

async function build<A extends tree.Tree[]>(
  f: (...args: A) => tree.Tree,
  args: A,
  donate: boolean,
  constants: readonly number[],
  guess: boolean,
): Promise<Compiled> {
  registerTraceBackend(kernels);
  const counts = args.map((arg) => tree.leaves(arg).length);
  const ends = counts.map((_, i) => counts.slice(0, i + 1).reduce((a, b) => a + b, 0));
  const flat = args.flatMap((arg) => tree.leaves(arg));
  let rebuild: (leaves: tf.Tensor[]) => tree.Tree = () => ({});
  let donated = 0;
  const { graph, outputs, variables } = trace(
    flat.map(({ shape, dtype }) => ({ shape, dtype })),
    (tensors) => {
      const symbolic = args.map((arg, i) =>
        tree.unflatten(arg, tensors.slice(ends[i]! - counts[i]!, ends[i])),
      ) as A;
      const result = checkResult(f(...symbolic));
      const list = tree.leaves(result) as tf.Tensor[];
      // The state's leaves come first among the outputs.
      const state = donate ? tree.leaves((result as { state: tree.Tree }).state) : [];
      const order = [...state, ...list.filter((leaf) => !state.includes(leaf))] as tf.Tensor[];
      const position = list.map((leaf) => order.indexOf(leaf));
      rebuild = tree.rebuilder(result, position);
      donated = state.length;
      return order;
    },
    await newGraph(),
  );
  // What a state passes on unchanged, such as frozen weights, is not copied.
  const given = graph.inputs.slice(0, donate ? counts[0] : 0);
  const computed: Value[] = [];
  const taken = new Set<number>();
  const sources = outputs.map((value, i) => {
    const moved = i < donated ? given.indexOf(value) : -1;
    if (moved < 0 || taken.has(moved)) return { output: computed.push(value) - 1 };
    taken.add(moved);
    return { moved };
  });
  // So are frozen networks: what a state hands on is taken for one, until it turns out to change.
  const frozen = new Map<Value, Float32Array>();
  const bound = new Map<number, { data: WeakRef<Data>; version: number }>();
  flat.forEach((leaf, i) => {
    const argument = ends.findIndex((end) => i < end);
    if (!constants.includes(argument) && !(guess && argument === 0 && taken.has(i))) return;
    const data = leaf.dataSync();
    if (leaf.size < smallestConstant || !(data instanceof Float32Array) || leaf.dtype !== "float32") return;
    frozen.set(graph.inputs[i]!, data);
    bound.set(i, { data: new WeakRef<Data>(data), version: versionOf(data) });
  });
  const { model, usedInputs, work, size } = graph.encode(computed, frozen);
  const session = await createSession(model, { work, size }, usedInputs, computed).catch(refused);
  return { session, build: rebuild, donated, sources, variables, constants: bound };
}

/** Multiply-adds of the matrix products and convolutions in a call of `f`, compiled: what a benchmark's floor is made of. */
export async function multiplyAdds<A extends tree.Tree[]>(
  f: (...args: A) => tree.Tree,
  args: A,
): Promise<number> {
  registerTraceBackend(kernels);
  const leaves = args.flatMap((arg) => tree.leaves(arg));
  const { graph, outputs } = trace(
    leaves.map(({ shape, dtype }) => ({ shape, dtype })),
    (tensors) => {
      let next = 0;
      const symbolic = args.map((arg) => tree.map(() => tensors[next++]!, arg)) as A;
      return tree.leaves(f(...symbolic)) as tf.Tensor[];
    },
    await newGraph(),
  );
  return graph.encode(outputs).products;
}

/** How often memory was used again for another state. */
const versions = new WeakMap<Data, number>();
const versionOf = (data: Data): number => versions.get(data) ?? 0;

/** Memory of states that were given up, for states to come: a training loop alternates between two sets of buffers. */
class StateBuffers {
  private readonly free: Data[] = [];
  private readonly owned = new WeakSet<Data>();

  take({ shape, type }: Slot): Data {
    const size = sizeOf(shape);
    const kind = type === "float32" ? Float32Array : type === "int32" ? Int32Array : Uint8Array;
    const i = this.free.findIndex((data) => data.length === size && data instanceof kind);
    if (i < 0) return new kind(size);
    const again = this.free.splice(i, 1)[0]!;
    versions.set(again, versionOf(again) + 1);
    return again;
  }

  own(data: Data): void {
    this.owned.add(data);
  }

  /** Gives up what waits: the shapes that it was for may not come again. */
  forget(): void {
    this.free.length = 0;
  }

  /** Only memory that was made here is used again: a first state's arrays belong to the caller. */
  give(data: Data): void {
    if (this.owned.has(data) && !this.free.includes(data)) this.free.push(data);
  }
}
