export { type CompileOptions, compile } from "../engine/compile.js";
export {
  currentDevice,
  type DeviceName,
  describeDevice,
  deviceNames,
  deviceVariable,
  threadsVariable,
  useDevice,
} from "../engine/device.js";
export * as random from "../engine/random.js";
export type { Tensor } from "../engine/tensor.js";
export * as tree from "../engine/tree.js";
