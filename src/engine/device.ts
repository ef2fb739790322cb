import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";

/** Where steps are computed, best first. */
export const deviceNames = ["onnx", "tensorflow", "wasm", "cpu"] as const;
export type DeviceName = (typeof deviceNames)[number];

export async function useDevice(_name: DeviceName | "auto" = "auto"): Promise<DeviceName> {
  await tf.setBackend("cpu");
  await tf.ready();
  return "cpu";
}
