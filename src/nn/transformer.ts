import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine/tensor.js";
import { type Affine, linear } from "./functional.js";

// The functions of transformers, on tokens [N, T, D]; their hand-written gradients as in functional.ts.

/** A linear layer on every token: x [N, T, in] -> [N, T, out], as one matrix product. */
export function dense(x: Tensor, affine: Affine): Tensor {
  const [n, t, d] = x.shape as [number, number, number];
  return tf.reshape(linear(tf.reshape(x, [n * t, d]), affine), [n, t, -1]);
}

/** x [N, T, D] plus `change` scaled per example, `gate` [N, D]: adaLN-Zero's residual connection (2212.09748). */
export function gated(x: Tensor, change: Tensor, gate: Tensor): Tensor {
  return tf.add(x, tf.mul(change, perToken(gate)));
}

/**
 * Adaptive layer normalization (DiT, 2212.09748): x [N, T, D] to mean 0 and variance 1 over D without learned scale, then (1 + scale) and shift, each
 * [N, D], the same for all tokens of an example.
 */
export function modulatedNorm(x: Tensor, shift: Tensor, scale: Tensor, epsilon = 1e-6): Tensor {
  const moments = (x: Tensor): { hat: Tensor; inverse: Tensor } => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
    return { hat: tf.mul(centred, inverse), inverse };
  };
  const normalize = tf.customGrad((...inputs) => {
    const [x, shift, scale, save] = inputs as [Tensor, Tensor, Tensor, tf.GradSaveFunc];
    save([x, scale] as tf.Tensor[]);
    const { hat } = moments(x);
    return {
      value: tf.add(tf.mul(hat, perToken(tf.add(scale, 1))), perToken(shift)),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x, scale] = saved as [Tensor, Tensor];
        const { hat, inverse } = moments(x);
        const dHat = tf.mul(dy, perToken(tf.add(scale, 1)));
        const along = tf.mean(tf.mul(dHat, hat), -1, true);
        // dx = inverse (dHat - mean(dHat) - hat mean(dHat hat)), both means over D
        const dx = tf.mul(tf.sub(tf.sub(dHat, tf.mean(dHat, -1, true)), tf.mul(hat, along)), inverse);
        return [dx, tf.sum(dy, 1), tf.sum(tf.mul(dy, hat), 1)];
      },
    };
  });
  return normalize(x, shift, scale);
}

/** Root mean square normalization (1910.07467) over the last axis: x [..., D], weight [D]. */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon = 1e-6): Tensor {
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
  return tf.mul(tf.mul(x, inverse), weight);
}

/** GELU in its tanh form (1606.08415), x (1 + tanh(u/2)) / 2 = x sigmoid(u) with u = 2 sqrt(2/pi) (x + 0.044715 x^3). */
export function gelu(x: Tensor): Tensor {
  const a = 2 * Math.sqrt(2 / Math.PI);
  const b = 0.044715 * a;
  return tf.customGrad((...inputs) => {
    const [x, save] = inputs as [Tensor, tf.GradSaveFunc];
    save([x as tf.Tensor]);
    const gate = (x: Tensor, square: Tensor): Tensor => tf.sigmoid(tf.mul(x, tf.add(tf.mul(square, b), a)));
    return {
      value: tf.mul(x, gate(x, tf.square(x))),
      gradFunc: (dy: Tensor, [x]: Tensor[]) => {
        const square = tf.square(x!);
        const s = gate(x!, square);
        // s + x s (1 - s) u' with x s the value itself, u' = a + 3 b x^2
        const slope = tf.add(tf.mul(square, 3 * b), a);
        const bend = tf.mul(tf.mul(tf.mul(x!, s), tf.sub(1, s)), slope);
        return tf.mul(dy, tf.add(s, bend));
      },
    };
  })(x);
}

/** Rows of a table [V, D] by their numbers [N, T], int32 -> [N, T, D]. */
export function embed(table: Tensor, ids: Tensor): Tensor {
  const [rows, width] = table.shape as [number, number];
  const flat = (ids: Tensor): tf.Tensor1D => tf.reshape(ids, [-1]);
  const pick = tf.customGrad((...inputs) => {
    const [table, save] = inputs as [Tensor, tf.GradSaveFunc];
    save([ids as tf.Tensor]);
    return {
      value: tf.reshape(tf.gather(table as tf.Tensor, flat(ids)), [...ids.shape, width]) as Tensor,
      // A product with rows of one 1 adds up what goes to the same row, on every device.
      gradFunc: (dy: Tensor, [ids]: Tensor[]) =>
        tf.matMul(tf.oneHot(flat(ids!), rows, 1, 0, "float32"), tf.reshape(dy, [-1, width]), true),
    };
  });
  return pick(table as tf.Tensor);
}

/** [N, T, heads d] -> [N, heads, T, d]. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [n, t, d] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(x, [n, t, heads, d / heads]), [0, 2, 1, 3]);
}

/** [N, heads, T, d] -> [N, T, heads d]. */
export function mergeHeads(x: Tensor): Tensor {
  const [n, heads, t, d] = x.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [n, t, heads * d]);
}

/**
 * softmax(q k^T + bias) v for each head: q [N, heads, T, d] already divided by sqrt(d), k and v [N, heads, S, d]; `bias` broadcasts to [N, heads, T, S] and
 * has no gradient: -1e9 hides a token.
 */
export function headAttention(q: Tensor, k: Tensor, v: Tensor, bias?: Tensor): Tensor {
  const attend = tf.customGrad((...inputs) => {
    const [q, k, v, save] = inputs as [Tensor, Tensor, Tensor, tf.GradSaveFunc];
    save((bias ? [q, k, v, bias] : [q, k, v]) as tf.Tensor[]);
    return {
      value: tf.matMul(attentionWeights(q, k, bias), v),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [q, k, v, bias] = saved as [Tensor, Tensor, Tensor, Tensor?];
        const p = attentionWeights(q, k, bias);
        // Row sums of p dP are those of y dy, which is a much smaller tensor (FlashAttention, 2205.14135, appendix B.2).
        const along = tf.sum(tf.mul(tf.matMul(p, v), dy), -1, true);
        const dScores = tf.mul(p, tf.sub(tf.matMul(dy, v, false, true), along));
        return [tf.matMul(dScores, k), tf.matMul(dScores, q, true, false), tf.matMul(p, dy, true, false)];
      },
    };
  });
  return attend(q, k, v);
}

/** softmax(q k^T + bias): [N, heads, T, S]. */
export function attentionWeights(q: Tensor, k: Tensor, bias?: Tensor): Tensor {
  const scores = tf.matMul(q, k, false, true);
  return tf.softmax(bias ? tf.add(scores, bias) : scores);
}

/** [N, D] for all tokens of an example. */
const perToken = (x: Tensor): Tensor => tf.reshape(x, [x.shape[0]!, 1, -1]);
