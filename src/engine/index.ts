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
export * as random from "./random.js";
export type { Tensor } from "./tensor.js";
export * as tree from "./tree.js";
