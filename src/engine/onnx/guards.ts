import * as tf from "@tensorflow/tfjs-core";
import { TangentLabError } from "../../errors.js";

/**
 * Runs `f`, during which nothing may be called that has an effect or a result of its own at every call, because a traced function is called once: random
 * numbers without a seed, new variables, assignments.
 * @param line where the user's code is.
 * @throws TangentLabError `unsupported-op` naming what was called.
 */
export function guarded<T>(line: () => string, f: () => T): T {
  const engine = tf.engine();
  const { random } = Math;
  const { assign } = tf.Variable.prototype;
  const refuse = (op: string, why: string, allowed: string): never => {
    throw new TangentLabError("unsupported-op", `${op} in a compiled step, at ${line()}: ${why}`, {
      argument: op,
      allowed,
    });
  };
  const state =
    "state goes in as an argument and comes out as a result, parameters and moments, too (optim.adam); or another device";
  Math.random = () =>
    refuse(
      currentOp() ?? "Math.random",
      "a step is traced once, so that it would draw the same numbers at every call",
      "numbers drawn outside (random.normal, random.uniform) and passed in, like dropout's mask; or a seed, if the same numbers are wanted",
    );
  tf.Variable.prototype.assign = function (this: tf.Variable) {
    return refuse(
      caller() ?? "variable.assign",
      `the variable ${this.name} would be assigned once, when the step is traced`,
      state,
    );
  };
  engine.makeVariable = () =>
    refuse(caller() ?? "tf.variable", "a variable would be made once, when the step is traced", state);
  try {
    return f();
  } finally {
    Math.random = random;
    tf.Variable.prototype.assign = assign;
    // The method is the prototype's again.
    delete (engine as { makeVariable?: unknown }).makeVariable;
  }
}

/** The op that the user called, by the scopes that tfjs opens for its ops. */
function currentOp(): string | undefined {
  const names = tf.engine().state.scopeStack.map(({ name }) => name ?? "");
  const op = names.find((name) => name.endsWith("__op"));
  return op && `tf.${op.replace(/__op$/, "")}`;
}

/** tfjs's optimizers assign and make variables on the user's behalf. */
function caller(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  const stack = new Error().stack ?? "";
  Error.stackTraceLimit = stackTraceLimit;
  const method = ["minimize", "applyGradients"].find((name) => new RegExp(`\\b${name}\\b`).test(stack));
  return method && `optimizer.${method}`;
}
