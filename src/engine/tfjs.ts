import { version_cpu } from "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import "./all-gradients.js";
import { registerGradients } from "./gradients.js";
import { registerHostKernels } from "./host-kernels.js";

// Turns off its advice to install another backend: the device in use is named at start.
tf.enableProdMode();

registerGradients();
registerHostKernels();

/** Versions of the packages imported here. Bare imports would be in the published types, and with them all types of TensorFlow.js. */
export const tfjsVersions: Readonly<Record<string, string>> = {
  tfjs: tf.version_core,
  cpu: version_cpu,
};
