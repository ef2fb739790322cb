import type * as tf from "@tensorflow/tfjs-core";
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
}

/** Compiles `f` by tracing it, once for each combination of input structures and shapes. */
export function compileOnnx<A extends tree.Tree[], R extends tree.Tree>(
  f: (...args: A) => R,
  donate: boolean,
): (...args: A) => Promise<R> {
  const compiled: { match: (args: A) => tf.Tensor[] | undefined; entry: Promise<Compiled> }[] = [];
  const buffers = new StateBuffers();
  const find = (args: A): { leaves: tf.Tensor[]; entry: Promise<Compiled> } => {
    for (const { match, entry } of compiled) {
      const leaves = match(args);
      if (leaves) return { leaves, entry };
    }
    const added = { match: tree.matcher(args) as (args: A) => tf.Tensor[], entry: build(f, args, donate) };
    compiled.push(added);
    added.entry.catch(() => compiled.splice(compiled.indexOf(added), 1));
    return { leaves: added.match(args), entry: added.entry };
  };
  return async (...args) => {
    const { leaves, entry } = find(args);
    const { session, build: rebuild, donated, sources } = await entry;
    const inputs = leaves.map((tensor) => tensor.dataSync() as Data);
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
  const { graph, outputs } = trace(
    flat.map(({ shape, dtype }) => ({ shape, dtype })),
    (tensors) => {
      const ends = counts.map((_, i) => counts.slice(0, i + 1).reduce((a, b) => a + b, 0));
      const symbolic = args.map((arg, i) =>
        tree.unflatten(arg, tensors.slice(ends[i]! - counts[i]!, ends[i])),
      ) as A;
      const result = f(...symbolic);
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
  return { session, build: rebuild, donated, sources };
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

  /** Only memory that was made here is used again: a first state's arrays belong to the caller. */
  give(data: Data): void {
    if (this.owned.has(data) && !this.free.includes(data)) this.free.push(data);
  }
}
