import type * as tf from "@tensorflow/tfjs-core";
import { check } from "../../errors.js";
import { checkResult } from "../result.js";
import * as tree from "../tree.js";
import { registerTraceBackend, trace } from "./backend.js";
import { sizeOf, type Value } from "./graph.js";
import { kernels } from "./kernels/index.js";
import { newGraph } from "./lowering.js";
import { createSession, type Data, type Session, type Slot, toTensor } from "./session.js";

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
}

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
  donate: boolean,
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
  const find = (args: A): { leaves: tf.Tensor[]; entry: Entry<A> } => {
    for (const entry of entries) {
      const leaves = entry.match(args);
      if (!leaves) continue;
      if (entry !== entries[0]) {
        remove(entry);
        entries.unshift(entry);
      }
      return { leaves, entry };
    }
    const match = tree.matcher(args) as (args: A) => tf.Tensor[];
    const entry = { match, compiled: build(f, args, donate), running: 0, retired: false };
    entries.unshift(entry);
    entry.compiled.catch(() => remove(entry));
    if (entries.length > shapesKept) {
      const oldest = entries.pop()!;
      oldest.retired = true;
      release(oldest);
      buffers.forget();
    }
    return { leaves: match(args), entry };
  };
  const run = async (args: A, leaves: tf.Tensor[], compiled: Compiled): Promise<R> => {
    const { session, build: rebuild, donated, sources, variables } = compiled;
    const inputs = [...leaves, ...variables.map(alive)].map((tensor) => tensor.dataSync() as Data);
    const targets: (Data | undefined)[] = [];
    sources.forEach((source, i) => {
      if ("moved" in source) return;
      targets[source.output] = i < donated ? buffers.take(session.outputs[source.output]!) : undefined;
    });
    const results = await session.run(inputs, targets);
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
      for (let i = 0; i < state; i++) {
        if (!moved.has(i)) buffers.give(inputs[i]!);
        leaves[i]!.dispose();
      }
    }
    return rebuild(tensors) as R;
  };
  return async (...args) => {
    const { leaves, entry } = find(args);
    entry.running++;
    try {
      return await run(args, leaves, await entry.compiled);
    } finally {
      entry.running--;
      release(entry);
    }
  };
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
): Promise<Compiled> {
  registerTraceBackend(kernels);
  const counts = args.map((arg) => tree.leaves(arg).length);
  const flat = args.flatMap((arg) => tree.leaves(arg));
  let rebuild: (leaves: tf.Tensor[]) => tree.Tree = () => ({});
  let donated = 0;
  const { graph, outputs, variables } = trace(
    flat.map(({ shape, dtype }) => ({ shape, dtype })),
    (tensors) => {
      const ends = counts.map((_, i) => counts.slice(0, i + 1).reduce((a, b) => a + b, 0));
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
  // What a state hands on as it is, such as frozen weights, is not copied.
  const given = graph.inputs.slice(0, donate ? counts[0] : 0);
  const computed: Value[] = [];
  const taken = new Set<number>();
  const sources = outputs.map((value, i) => {
    const moved = i < donated ? given.indexOf(value) : -1;
    if (moved < 0 || taken.has(moved)) return { output: computed.push(value) - 1 };
    taken.add(moved);
    return { moved };
  });
  const { model, usedInputs, work } = graph.encode(computed);
  const session = await createSession(model, work, usedInputs, computed);
  return { session, build: rebuild, donated, sources, variables };
}

/** Memory of states that were given up, for states to come: a training loop alternates between two sets of buffers. */
class StateBuffers {
  private readonly free: Data[] = [];
  private readonly owned = new WeakSet<Data>();

  take({ shape, type }: Slot): Data {
    const size = sizeOf(shape);
    const kind = type === "float32" ? Float32Array : type === "int32" ? Int32Array : Uint8Array;
    const i = this.free.findIndex((data) => data.length === size && data instanceof kind);
    return i >= 0 ? this.free.splice(i, 1)[0]! : new kind(size);
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
