export { type CompileOptions, compile } from "./compile.js";
export {
  currentDevice,
  type DeviceName,
  describeDevice,
  deviceNames,
  deviceVariable,
  threadsVariable,
  useDevice,
} from "./device.js";
/** Random keys as values, like JAX's: split and folded, drawn on the host, the same on every machine. */
export * as random from "./random.js";
export type { Tensor } from "./tensor.js";
/** Trees of tensors: nested plain objects, mapped, flattened into one vector, disposed. */
export * as tree from "./tree.js";
