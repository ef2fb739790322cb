import * as tf from "@tensorflow/tfjs-core";
import { TangentLabError } from "../errors.js";
import type * as tree from "./tree.js";

/**
 * The result of a function that is compiled.
 * @throws TangentLabError `invalid-argument` for a promise, and for anything but a tree of tensors.
 */
export function checkResult<R extends tree.Tree>(result: R): R {
  const refuse = (given: string, path: string): never => {
    throw new TangentLabError(
      "invalid-argument",
      `a compiled function returned ${given}${path && ` as ${path}`}`,
      {
        argument: "f",
        allowed: "a plain function (not async) that returns tensors, or objects and arrays of them",
      },
    );
  };
  const visit = (node: unknown, path: string): void => {
    if (node instanceof tf.Tensor) return;
    if (isPromise(node)) {
      // Nobody else waits for it: what it fails with afterwards would end the process.
      node.then(undefined, () => undefined);
      refuse("a promise", path);
    }
    if (typeof node !== "object" || node === null) refuse(String(node), path);
    for (const [name, child] of Object.entries(node as object)) visit(child, path ? `${path}.${name}` : name);
  };
  visit(result, "");
  return result;
}

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === "function";
