import { blockedDomain, fusedDomain } from "./proto.js";
import { type Node, sameShape, type Value } from "./values.js";

// What can be joined only when it is known who needs which value. Nodes are in the order of computation; so are the results.

/**
 * x of x sigmoid(x), which one operation gives in one pass. Its gradient computes the sigmoid, another pass, only when it is needed: what is not kept from the
 * forward pass until then is as large as all activations.
 */
function siluOf({ op, inputs }: Node): Value | undefined {
  if (op !== "Mul") return undefined;
  const [a, b] = inputs as [Value, Value];
  if (b.node?.op === "Sigmoid" && b.node.inputs[0] === a) return a;
  return a.node?.op === "Sigmoid" && a.node.inputs[0] === b ? b : undefined;
}

/** Joins an addition, or ReLU, to the convolution in blocks before it, where nothing else needs what the convolution gives. */
export function fuse(
  nodes: readonly Node[],
  outputs: readonly Value[],
  splat: (shape: readonly number[]) => Value,
): Node[] {
  const uses = new Map<Value, number>();
  const used = (value: Value): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const value of outputs) used(value);
  for (const node of nodes) for (const value of node.inputs) used(value);
  const once = (value: Value): boolean => uses.get(value) === 1;
  const replaced = new Map<Value, Node>();
  const gone = new Set<Node>();
  const isConvolution = (value: Value | undefined): value is Value =>
    value?.node?.op === "Conv" && value.node.domain === blockedDomain;
  const current = (value: Value): Node => replaced.get(value) ?? value.node!;
  const position = new Map(nodes.map((node, i) => [node, i]));
  const out = nodes.map((node) => {
    const [output] = node.outputs;
    if (node.op === "Relu" && isConvolution(node.inputs[0]) && once(node.inputs[0])) {
      const before = current(node.inputs[0]);
      if (before.attributes.activation === undefined) {
        gone.add(node.inputs[0].node!);
        const joined: Node = {
          ...before,
          attributes: { ...before.attributes, activation: "Relu" },
          outputs: [output!],
        };
        replaced.set(output!, joined);
        return joined;
      }
    }
    const gated = siluOf(node);
    if (gated)
      return {
        ...node,
        op: "QuickGelu",
        domain: fusedDomain,
        inputs: [gated],
        attributes: { alpha: { float: 1 } },
      };
    if (node.op !== "Add" || node.inputs.length !== 2) return node;
    const [a, b] = node.inputs as [Value, Value];
    if (!sameShape(a.shape, b.shape)) return node;
    // Of two convolutions the later one: the other one's result is there by then.
    const sides = [[a, b] as const, [b, a] as const].filter(
      ([x]) =>
        isConvolution(x) &&
        once(x) &&
        current(x).inputs.length < 4 &&
        current(x).attributes.activation === undefined,
    );
    const [side] = sides.sort((p, q) => position.get(q[0].node!)! - position.get(p[0].node!)!);
    if (!side || a === b) return node;
    const [convolution, other] = side;
    const before = current(convolution);
    const bias = before.inputs[2] ?? splat([before.outputs[0]!.shape[1]!]);
    gone.add(convolution.node!);
    const joined: Node = {
      ...before,
      inputs: [before.inputs[0]!, before.inputs[1]!, bias, other],
      outputs: [output!],
    };
    replaced.set(output!, joined);
    return joined;
  });
  return out.filter((_, i) => !gone.has(nodes[i]!));
}
