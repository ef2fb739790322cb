import type * as tf from "@tensorflow/tfjs-core";
import * as tree from "../tree.js";
import { registerTraceBackend, trace } from "./backend.js";
import { kernels } from "./kernels/index.js";
import { createSession, type Data, type Session, toTensor } from "./session.js";

interface Compiled {
  session: Session;
  /** Builds the result from its leaves. */
  build: (leaves: tf.Tensor[]) => tree.Tree;
  /** Outputs 0 .. donated-1 are the new state, in the order of the old one. */
  donated: number;
}

/** Compiles `f` by tracing it, once for each combination of input structures and shapes. */
export function compileOnnx<A extends tree.Tree[], R extends tree.Tree>(
  f: (...args: A) => R,
  donate: boolean,
): (...args: A) => Promise<R> {
  const compiled = new Map<string, Promise<Compiled>>();
  const buffers = new StateBuffers();
  return async (...args) => {
    const leaves = args.map((arg) => tree.flatten(arg));
    const flat = leaves.flat();
    const key = leaves
      .map((list) => list.map(({ name, tensor }) => `${name}${tensor.dtype}[${tensor.shape}]`).join())
      .join(";");
    let entry = compiled.get(key);
    if (!entry) {
      entry = build(f, args, donate);
      compiled.set(key, entry);
      entry.catch(() => compiled.delete(key));
    }
    const { session, build: rebuild, donated } = await entry;
    const inputs = flat.map(({ tensor }) => tensor.dataSync() as Data);
    const targets = session.outputs.map((slot, i) =>
      i < donated
        ? buffers.take(
            slot.shape.reduce((a, b) => a * b, 1),
            slot.type,
          )
        : undefined,
    );
    const results = await session.run(inputs, targets);
    const tensors = results.map((data, i) => toTensor(data, session.outputs[i]!));
    if (donate) {
      leaves[0]!.forEach(({ tensor }, i) => {
        if (i < donated) buffers.give(inputs[i]!);
        tensor.dispose();
      });
    }
    for (const tensor of tensors.slice(0, donated)) buffers.own(tensor.dataSync() as Data);
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
  );
  const { model, usedInputs, work } = graph.encode(outputs);
  const session = await createSession(model, work, usedInputs, outputs);
  return { session, build: rebuild, donated };
}

/** Memory of states that were given up, for states to come: a training loop alternates between two sets of buffers. */
class StateBuffers {
  private readonly free: Data[] = [];
  private readonly owned = new WeakSet<Data>();

  take(size: number, type: "float32" | "int32" | "bool"): Data {
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
