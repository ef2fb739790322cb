import { extname } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../../engine/tensor.js";
import { check, TangentLabError } from "../../errors.js";
import { readNpy } from "../../io/npy.js";
import { readSafetensors } from "../../io/safetensors.js";
import { checkCaptions } from "../captions.js";
import type { TextEncoder } from "../types.js";

/** Captions encoded by another model. */
export interface Embeddings {
  /** Row by row; "" is the empty caption of guidance, zeros where it is missing. */
  readonly captions: readonly string[];
  /** Token embeddings [captions, L, D]. */
  readonly tokens: Tensor;
  /** One vector a caption [captions, P]. */
  readonly pooled: Tensor;
}

/**
 * Embeddings from outside in the place of a text encoder: no parameters, and only the given captions are known.
 * @throws TangentLabError `invalid-data` for shapes that do not fit together or a repeated caption.
 */
export function embeddedText({ captions, tokens, pooled }: Embeddings): TextEncoder {
  const wrong = (argument: string, given: unknown, allowed: string): TangentLabError =>
    new TangentLabError("invalid-data", "these are no embeddings of the captions", {
      argument,
      given,
      allowed,
    });
  const listed = Array.isArray(captions) && captions.every((caption) => typeof caption === "string");
  if (!listed) throw wrong("captions", captions, "one or more captions");
  for (const [name, given] of Object.entries({ tokens, pooled }))
    if (!(given instanceof tf.Tensor)) throw wrong(name, given, "a tensor");
  const count = captions.length;
  if (count === 0) throw wrong("captions", "an empty list", "one or more captions");
  if (tokens.shape.length !== 3 || tokens.shape[0] !== count)
    throw wrong("tokens", `[${tokens.shape}]`, `[${count}, L, D]: ${count} captions`);
  if (pooled.shape.length !== 2 || pooled.shape[0] !== count)
    throw wrong("pooled", `[${pooled.shape}]`, `[${count}, P]: ${count} captions`);
  const rows = new Map(captions.map((caption, i) => [caption, i]));
  if (rows.size < count) throw wrong("captions", "a caption twice", "each caption once");
  const [, length, textDim] = tokens.shape as [number, number, number];
  const pooledDim = pooled.shape[1]!;
  // The last row is that of the empty caption where none was given.
  const hasEmpty = rows.has("");
  const withEmpty = (x: Tensor): Float32Array => {
    const values = x.dataSync() as Float32Array;
    const out = new Float32Array(values.length + (hasEmpty ? 0 : values.length / count));
    out.set(values);
    return out;
  };
  const tables = { tokens: withEmpty(tokens), pooled: withEmpty(pooled) };
  if (!hasEmpty) rows.set("", count);
  return {
    length,
    textDim,
    pooledDim,
    init: () => ({}),
    apply: (_parameters, ids) => {
      const row = tf.reshape(ids, [-1]) as tf.Tensor1D;
      return {
        tokens: tf.gather(tf.tensor3d(tables.tokens, [rows.size, length, textDim]), row),
        pooled: tf.gather(tf.tensor2d(tables.pooled, [rows.size, pooledDim]), row),
      };
    },
    tokenize: (wanted) => {
      checkCaptions("captions", wanted);
      const ids = wanted.map((caption) => {
        const row = rows.get(caption);
        if (row === undefined) {
          throw new TangentLabError("invalid-data", "there is no embedding of a caption", {
            argument: "captions",
            given: caption,
            allowed: `one of the ${count} captions with embeddings`,
          });
        }
        return [row];
      });
      return tf.tensor2d(ids, [ids.length, 1], "int32");
    },
    unknownWords: () => [],
  };
}

/**
 * Reads embeddings of captions, row by row: a safetensors file with `tokens` [captions, L, D] and perhaps `pooled` [captions, P], or an .npy file of the tokens
 * and perhaps another one of the pooled vectors. Without pooled vectors, the mean over a caption's tokens is taken.
 * @throws TangentLabError `file-system`, `corrupt-file`, and `invalid-data` for shapes that do not fit together.
 */
export async function readEmbeddings(
  captions: readonly string[],
  path: string,
  pooledPath?: string,
): Promise<TextEncoder> {
  check(typeof path === "string" && path !== "", "path", path, "the path of a file");
  const arrays =
    extname(path) === ".npy"
      ? {
          tokens: await readNpy(path),
          ...(pooledPath !== undefined && { pooled: await readNpy(pooledPath) }),
        }
      : (await readSafetensors(path)).tensors;
  const tensor = (name: "tokens" | "pooled"): Tensor | undefined => {
    const array = (
      arrays as Readonly<Record<string, { shape: readonly number[]; data: ArrayLike<unknown> }>>
    )[name];
    return array && tf.tensor(Float32Array.from(array.data, Number), [...array.shape]);
  };
  return tf.tidy(() => {
    const tokens = tensor("tokens");
    if (tokens?.shape.length !== 3) {
      throw new TangentLabError("invalid-data", `${path} holds no embeddings`, {
        argument: "tokens",
        given: tokens ? `[${tokens.shape}]` : "no tensor of that name",
        allowed: "[captions, L, D]",
      });
    }
    return embeddedText({ captions, tokens, pooled: tensor("pooled") ?? tf.mean(tokens, 1) }) as never;
  }) as TextEncoder;
}
