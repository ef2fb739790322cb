// Importing the whole of TensorFlow.js is what registers the gradients of its ops and the methods of its tensors; tfjs-core alone has neither. The built package has a
// bundle of just these in this file's place (build/all-gradients.ts): the whole has 230 MB.
import "@tensorflow/tfjs";
