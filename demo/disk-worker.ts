// The worker where the page was opened from disk: browsers let nothing be fetched there, so the runtime's WebAssembly is part of it.

import runtime from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import { env } from "#onnxruntime";
import "./worker.js";

env.wasm.wasmBinary = runtime;
