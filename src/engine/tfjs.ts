// Importing the whole of TensorFlow.js is what registers the gradients of its ops; tfjs-core alone has none.
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { registerGradients } from "./gradients.js";

// Its advice to install another backend is not for us to print: the device in use is named at start.
tf.enableProdMode();

registerGradients();
