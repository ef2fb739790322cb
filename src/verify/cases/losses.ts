import * as tf from "@tensorflow/tfjs-core";
import { type Distance, l1, l2, pseudoHuber } from "../../consistency/losses.js";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import type { CaseKind, Comparison } from "../case.js";
import { corrupt } from "../reference.js";

/** `<distance>`: the mean over the batch of `weight` times the distance of `x` and `y`; `<distance>.grad_x`: its gradient. */
export const losses: CaseKind = {
  kind: "losses",
  verify: async (file) => {
    const [x, y, weight] = [file.tensor("x"), file.tensor("y"), file.tensor("weight")];
    const inputs = ["x", "y", "weight"];
    const names = file.names().filter((name) => !inputs.includes(name) && !name.endsWith(".grad_x"));
    if (names.length === 0) throw corrupt(file.path, "it has no loss");
    const comparisons: Comparison[] = [];
    for (const name of names) {
      const distance = distanceOf(name);
      if (!distance) throw corrupt(file.path, `${name} is none of l1, l2, pseudohuber_<c>`);
      const step = compile((x: Tensor, y: Tensor, weight: Tensor) =>
        tf.valueAndGrad((x: tf.Tensor) => tf.mean(tf.mul(distance(x, y), weight)) as tf.Scalar)(
          x as tf.Tensor,
        ),
      );
      const { value, grad } = await step(x, y, weight);
      comparisons.push(
        { quantity: name, ours: value.dataSync(), reference: file.tensor(name), kind: "value" },
        {
          quantity: `${name}.grad_x`,
          ours: grad,
          reference: file.tensor(`${name}.grad_x`),
          kind: "gradient",
        },
      );
    }
    return comparisons;
  },
};

function distanceOf(name: string): Distance | undefined {
  if (name === "l1") return l1();
  if (name === "l2") return l2();
  const [, c] = /^pseudohuber_([\d.e+-]+)$/.exec(name) ?? [];
  return c === undefined || Number.isNaN(Number(c)) ? undefined : pseudoHuber({ c: Number(c) });
}
