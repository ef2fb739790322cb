// Only this deep type is public: importing the types of all of tfjs-core costs a notebook cell more than a second.
import type { Tensor } from "@tensorflow/tfjs-core/dist/tensor.js";

export type { Tensor };
